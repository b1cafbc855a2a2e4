import { Context } from '@temporalio/activity';
import type { Agent } from '../agents/agent.ts';
import { isTerminalEvent } from '../contract/events.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { toolPolicy } from './tool-specs.ts';
import type { BeginInput, BeginResult, RunPlan } from './types.ts';
import { viewHistory } from './view-history.ts';

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

/** PENDING → RUNNING for this workflow run, and the plan that it goes by from now on. */
export function createBeginTask({ store, agents, defaults }: BeginTaskDeps) {
  return async function beginTask({ taskId }: BeginInput): Promise<BeginResult> {
    const runId = Context.current().info.workflowExecution?.runId ?? '';
    const task = await store.beginTask(taskId, runId);
    if (!task) return { begun: false, terminal: await lostTo(store, taskId) };
    const agent = agents.get(task.agent);
    const history = await viewHistory(store, task, agent);
    const plan = { ...planFor(task, agent, defaults), ...history };
    return { begun: true, plan, startedAt: task.started_at ?? undefined };
  };
}

function planFor(
  task: TaskRecord,
  agent: Agent | undefined,
  defaults: RunDefaults,
): Omit<RunPlan, 'conversation' | 'sources'> {
  const { parent } = task;
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
    ...(parent && { parent: { taskId: parent.task_id, callId: parent.call_id, name: task.name } }),
    ...(task.tool_call && { toolCall: task.tool_call }),
  };
}

/** How the task has ended before its run began. A cancel that was sent before found no workflow, so it is due again. */
async function lostTo(store: Store, taskId: string) {
  const task = await store.getTask(taskId);
  if (!task || !isTerminal(task.status)) return null;
  if (task.cancel_request) await store.markStarted(taskId);
  const { events } = await store.readLog(taskId, task.last_seq - 1, 1);
  return events.find((event) => isTerminalEvent(event)) ?? null;
}
