import { Context } from '@temporalio/activity';
import type { Agent } from '../agents/agent.ts';
import { isTerminalEvent } from '../contract/events.ts';
import { isTerminal, type Message, type TaskRecord } from '../contract/task.ts';
import { inputText } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { estimateTokens } from './prompt.ts';
import { toolPolicy } from './tool-specs.ts';
import type { BeginInput, BeginResult, ConversationView, RunPlan } from './types.ts';

/** What a run may use, unless its task says less. Times in milliseconds. */
export interface RunDefaults {
  /** `provider/id` of the model for agents that name none. */
  model: string;
  maxSteps: number;
  taskTimeoutMs: number;
  maxModelAttempts: number;
  retryBaseMs: number;
  heartbeatTimeoutMs: number;
  maxTokens: number;
  maxHistoryEvents: number;
}

export interface BeginTaskDeps {
  store: Store;
  agents: ReadonlyMap<string, Agent>;
  defaults: RunDefaults;
}

const DEFAULT_CONTEXT_TOKENS = 100_000;

/** PENDING → RUNNING for this workflow run, and the plan that it goes by from now on. */
export function createBeginTask({ store, agents, defaults }: BeginTaskDeps) {
  return async function beginTask({ taskId }: BeginInput): Promise<BeginResult> {
    const runId = Context.current().info.workflowExecution?.runId ?? '';
    const task = await store.beginTask(taskId, runId);
    if (!task) return { begun: false, terminal: await terminalEvent(store, taskId) };
    const agent = agents.get(task.agent);
    const conversation = await viewConversation(store, task, agent);
    const plan = { ...planFor(task, agent, defaults), conversation };
    return { begun: true, plan, startedAt: task.started_at ?? undefined };
  };
}

function planFor(
  task: TaskRecord,
  agent: Agent | undefined,
  defaults: RunDefaults,
): Omit<RunPlan, 'conversation'> {
  const { timeout_seconds, max_steps } = task.limits;
  return {
    agent: task.agent,
    model: task.model ?? agent?.model ?? defaults.model,
    tools: (agent?.tools ?? []).map(toolPolicy),
    timeoutMs: timeout_seconds === null ? defaults.taskTimeoutMs : timeout_seconds * 1000,
    maxSteps: max_steps ?? defaults.maxSteps,
    maxAttempts: defaults.maxModelAttempts,
    retryBaseMs: defaults.retryBaseMs,
    heartbeatTimeoutMs: defaults.heartbeatTimeoutMs,
    maxTokens: defaults.maxTokens,
    maxHistoryEvents: defaults.maxHistoryEvents,
  };
}

/** Whole turns are left out from the front until the rest fits the agent's context; the own input always stays. */
async function viewConversation(
  store: Store,
  { conversation_id: id, ordinal }: TaskRecord,
  agent: Agent | undefined,
): Promise<ConversationView | null> {
  if (id === null) return null;
  const messages = await store.readConversation(id, ordinal);
  const turns = new Map<number, number>();
  for (const message of messages) {
    turns.set(message.ordinal, (turns.get(message.ordinal) ?? 0) + tokensOf(message));
  }
  let total = [...turns.values()].reduce((sum, tokens) => sum + tokens, 0);
  const omitted = new Set<number>();
  for (const [turn, tokens] of turns) {
    if (total <= (agent?.contextTokens ?? DEFAULT_CONTEXT_TOKENS) || turn === ordinal) break;
    total -= tokens;
    omitted.add(turn);
  }
  const fromOrdinal = [...turns.keys()].find((turn) => !omitted.has(turn)) ?? ordinal;
  return { id, ordinal, fromOrdinal, omittedTurns: omitted.size };
}

function tokensOf(message: Message): number {
  return estimateTokens(inputText(message.content).length);
}

async function terminalEvent(store: Store, taskId: string) {
  const task = await store.getTask(taskId);
  if (!task || !isTerminal(task.status)) return null;
  const { events } = await store.readLog(taskId, task.last_seq - 1, 1);
  return events.find((event) => isTerminalEvent(event)) ?? null;
}
