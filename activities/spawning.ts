import { createHash } from 'node:crypto';
import type { Agent } from '../agents/agent.ts';
import {
  summaryOf,
  type NewAgentRun,
  type NewToolRun,
  type TaskSummary,
} from '../agents/task-tools.ts';
import { callKey, RESERVED_NAMES, type CallPlace } from '../contract/names.ts';
import { RUN_WORKFLOWS, startOptions } from '../contract/start-options.ts';
import type { TaskRecord } from '../contract/task.ts';
import { cleanJson, cleanText } from '../contract/text.ts';
import { announceTask, type Relay } from '../relay/relay.ts';
import type { NewTask } from '../store/new-task.ts';
import type { Store } from '../store/store.ts';
import { patiently } from './patiently.ts';
import { startRefusal } from './start-refusal.ts';
import type { ChildStart, SpawnedTask } from './types.ts';

export interface SpawningDeps {
  store: Store;
  relay: Relay;
  taskQueue: string;
  agents: ReadonlyMap<string, Agent>;
}

/** What a call starts below its task. */
export interface Spawning {
  spawn(run: NewAgentRun): Promise<TaskSummary>;
  runTool(run: NewToolRun): Promise<TaskSummary>;
  /** All so far, in order. */
  spawned: SpawnedTask[];
}

interface Caller {
  /** Aborted when the call is to stop. */
  signal: AbortSignal;
  place: CallPlace & { agent: string };
  own(): Promise<TaskRecord>;
}

/** What of a new task is not its place. */
type Work = Pick<NewTask, 'type' | 'agent' | 'input' | 'name' | 'description' | 'tool_call'>;

export function createSpawning(deps: SpawningDeps, { place, own, signal }: Caller): Spawning {
  const { store, relay, agents, taskQueue } = deps;
  const spawned: SpawnedTask[] = [];
  let asked = 0;

  async function accept(work: Work): Promise<TaskSummary> {
    asked += 1;
    const key = `${callKey(place)}:${asked}`;
    const self = await own();
    const wanted = { ...newChild(self, work), ...lineageOf(self, place) };
    const id = `task_${hash(key, 'base64url').slice(0, 22)}`;
    const requestHash = hash(JSON.stringify(wanted), 'hex');
    // Of a store that reports failure nobody knows whether the task is there: an error would have the model start another.
    const accepting = patiently(
      () => store.acceptTask({ ...wanted, id }, { key, requestHash }),
      signal,
    );
    const accepted = await accepting.catch((error: unknown) => {
      throw startRefusal(error);
    });
    if (!accepted) throw new Error('The conversation of this task was forgotten.');
    const { task } = accepted;
    if (accepted.created) announceTask(relay, task);
    const { id: task_id, name, type, agent } = task;
    spawned.push({ task_id, name, type, agent, start: childStart(task, taskQueue) });
    return summaryOf(task);
  }

  return {
    spawned,
    spawn({ agent = place.agent, input, ...naming }) {
      known('agent', agent, agents);
      const work = { type: 'agent_run', agent, input: cleanText(input) } as const;
      return accept({ ...work, ...named(naming) });
    },
    runTool({ tool, arguments: args, ...naming }) {
      checkTool(agents.get(place.agent), tool, args);
      const tool_call = { name: tool, arguments: cleanJson(args) };
      const input = JSON.stringify(tool_call.arguments);
      const work = { type: 'tool_run', agent: place.agent, input, tool_call } as const;
      return accept({ ...work, ...named(naming) });
    },
  };
}

function named({ name, description }: Pick<NewAgentRun, 'name' | 'description'>) {
  if (name !== undefined && RESERVED_NAMES.includes(name))
    throw new Error(`The name "${name}" is reserved; choose another one.`);
  return { name: name ?? null, description: description ?? null };
}

function checkTool(agent: Agent | undefined, name: string, args: unknown): void {
  const tools = new Map(agent?.tools.map((tool) => [tool.name, tool]));
  known('tool', name, tools);
  const parsed = tools.get(name)?.parameters.safeParse(args);
  if (parsed && !parsed.success)
    throw new Error(`The arguments do not fit the schema of ${name}: ${parsed.error.message}`);
}

function known(kind: string, name: string, all: ReadonlyMap<string, unknown>): void {
  if (all.has(name)) return;
  const names = [...all.keys()].join(', ');
  throw new Error(`There is no ${kind} named "${name.slice(0, 80)}". There are: ${names}.`);
}

function newChild(self: TaskRecord, work: Work): Omit<NewTask, 'id' | 'parent'> {
  const { owner, conversation_id } = self;
  return {
    ...work,
    owner,
    model: work.agent === self.agent ? self.model : null,
    instructions: null,
    metadata: {},
    limits: { timeout_seconds: null, max_steps: null },
    // Beside the turns of its parent's conversation: it must not wait there for its own parent.
    conversation_id,
    detached: conversation_id !== null,
  };
}

function lineageOf({ id, run_id, agent }: TaskRecord, { callId }: CallPlace) {
  const parent = { task_id: id, call_id: callId, agent_id: agent };
  return { parent: run_id === null ? parent : { ...parent, run_id } };
}

/** Its workflow as a child of the parent's, which cannot join one that is open already. */
function childStart(task: TaskRecord, taskQueue: string): ChildStart {
  const { workflowId, workflowIdReusePolicy, args, staticSummary, searchAttributes } = startOptions(
    task,
    taskQueue,
  );
  return {
    workflow: RUN_WORKFLOWS[task.type],
    workflowId,
    workflowIdReusePolicy,
    args: [...args],
    staticSummary,
    searchAttributes: Object.fromEntries(
      Object.entries(searchAttributes).map(([name, values]) => [name, [...values]]),
    ),
  };
}

function hash(text: string, encoding: 'base64url' | 'hex'): string {
  return createHash('sha256').update(text).digest(encoding);
}
