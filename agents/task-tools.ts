import type { WaitOrder } from '../contract/children.ts';
import type { TaskRecord, TaskStatus, TaskType } from '../contract/task.ts';

/** A task as a tool's code sees it. */
export interface TaskSummary {
  task_id: string;
  name: string | null;
  type: TaskType;
  agent: string;
  status: TaskStatus;
}

export function summaryOf({ id, name, type, agent, status }: TaskRecord): TaskSummary {
  return { task_id: id, name, type, agent, status };
}

/** What is common to all tasks that a call may start. */
interface NewChild {
  /** 1 to 64 characters, unique among the running tasks of the conversation. */
  name?: string | undefined;
  description?: string | undefined;
}

export interface NewAgentRun extends NewChild {
  /** Left out: the agent of the task that starts it. */
  agent?: string | undefined;
  input: string;
}

/** One of the tools of the task's agent, with arguments that fit its schema. */
export interface NewToolRun extends NewChild {
  tool: string;
  arguments: unknown;
}

/** Which ends a call waits for. */
export interface Wait {
  /** Ids or names of tasks that this task has started. Left out: all of those that have not ended. */
  tasks?: readonly string[] | undefined;
  /** Default `all`. */
  until?: 'all' | 'any' | undefined;
  /** Left out: as long as the run has time. */
  timeoutMs?: number | undefined;
}

/** What a tool returns to have its call end later: the run waits, and no worker is held meanwhile. */
export class Waiting {
  readonly order: WaitOrder;
  constructor(order: WaitOrder) {
    this.order = order;
  }
}

/**
 * The tree of tasks around a tool's call. A task is named by its id, or by its name while it runs; `parent` is the task above.
 * Every method throws an `Error` whose text tells the model what is wrong.
 */
export interface TaskTools {
  /** Puts a run of an agent into the record, below this task. It starts when the call has returned, or after some seconds. */
  spawn(run: NewAgentRun): Promise<TaskSummary>;
  /** The same for a call of a tool. */
  runTool(run: NewToolRun): Promise<TaskSummary>;
  /** To be returned by the tool: the result of a task that this call has started becomes its own. */
  resultOf(task: TaskSummary): Waiting;
  /** To be returned by the tool. */
  waitFor(wait: Wait): Promise<Waiting>;
  /** Tasks below this one, oldest first: at most 100. */
  list(): Promise<TaskSummary[]>;
  /** Writes to the run of a task of the same tree, which reads it in its next step. */
  send(to: string, text: string): Promise<{ task_id: string; seq: number }>;
  /** Cancels a task below this one, and all that is below that. */
  cancel(
    task: string,
    reason?: string,
  ): Promise<{ task_id: string; outcome: 'cancelling' | 'already_terminal' }>;
}
