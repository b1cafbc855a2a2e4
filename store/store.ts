import type { LogEvent, TerminalEvent } from '../contract/events.ts';
import type { Failure, FailureCode } from '../contract/failures.ts';
import type { CancelRequest, TaskRecord, TaskStatus, TaskType } from '../contract/task.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { KeyStore } from './key-store.ts';
import type { Accepted, IdempotencyKey, NewTask } from './new-task.ts';
import type { TreeStore } from './tree-store.ts';

export interface TaskFilter {
  owner: string;
  status?: readonly TaskStatus[];
  failure?: FailureCode;
  type?: TaskType;
  agent?: string;
  conversation_id?: string;
  parent_task_id?: string;
  name?: string;
  metadata?: Record<string, string>;
  created_after?: string;
  created_before?: string;
}

/** Tasks that share a feed: those of a conversation of the owner, or all of the owner. */
export interface TaskGroup {
  owner: string;
  conversationId: string | null;
}

/** A task with its number: tasks of an owner become visible in the order of their numbers. */
export interface NumberedTask {
  number: number;
  task: TaskRecord;
}

export interface PageRequest {
  /** 1 to 100. */
  limit: number;
  order: 'asc' | 'desc';
  /** `next_cursor` of the page before; opaque. A malformed one throws `BadPageCursor`. */
  cursor?: string;
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export class BadPageCursor extends Error {
  override name = 'BadPageCursor';
}

/** How a run ended, before the record has its say: a recorded cancel turns every end into FAILED `cancelled`. */
export type RunEnd =
  { status: 'COMPLETED' } | { status: 'FAILED'; failure: Failure; error: string };

export interface FinishRequest {
  taskId: string;
  end: RunEnd;
  /**
   * The whole log but its terminal entry, without what was stored by `appendLog` before, unless the run was reset. First entry:
   * `task.accepted` unless stored.
   */
  log: LogEvent[];
  /** RFC 3339: `at` of the terminal entry. */
  at: string;
  /** The log could not be read: `log` holds only what could. */
  logIncomplete?: boolean;
}

export interface FinishResult {
  /** False: another writer had already ended the task; `event` is the winner's. */
  won: boolean;
  event: TerminalEvent;
  task: TaskRecord;
  /** The task of the conversation that has its turn by this end, and is to be started. */
  next: TaskRecord | null;
}

export type CancelResult =
  /** The task had ended before; nothing was changed. */
  | { kind: 'already_terminal'; task: TaskRecord }
  /** It was PENDING and has now ended FAILED `cancelled`; `next` as in `FinishResult`. */
  | { kind: 'ended'; task: TaskRecord; next: TaskRecord | null }
  /** The request stands in the row (`task.cancel_request`, the first one where there were several). */
  | { kind: 'requested'; task: TaskRecord };

/** A page of a log, in order. `end`: nothing is stored behind it at this time. */
export interface LogPage {
  events: LogEvent[];
  end: boolean;
}

/**
 * The record: PGlite or PostgreSQL behind the same queries. Every method is one transaction, which starts of one
 * owner share where they wait for each other. A database that cannot be reached rejects with `StoreUnavailable`.
 */
export interface Store extends ConversationStore, KeyStore, TreeStore, AsyncDisposable {
  ping(): Promise<void>;

  /**
   * Inserts a PENDING task with its user message, conversation (created for the owner where it is unknown) and
   * ordinal. Where a task has the turn in the conversation, `on_busy` says what is done: the new one is `queued`, or the
   * other is cancelled, or it is refused. With a known idempotency key returns the task of that key, `created: false`.
   * Another owner's conversation gives null. Throws `StoreRefusal` `conversation_busy` (with `on_busy: 'reject'`),
   * `idempotency_key_reused`, `name_taken` (a PENDING or RUNNING task of the conversation, or without one of the owner, has it),
   * `task_exists` (the id was chosen, and its task has not ended or is another owner's),
   * of `continue_from`: `task_not_found`, `task_not_terminal`; of `parent`: `task_not_found`, `tree_cancelled`, `tree_too_deep`, `tree_budget_exceeded`,
   * `too_many_running_tasks`.
   */
  acceptTask(task: NewTask, key?: IdempotencyKey): Promise<Accepted | null>;
  /** The task, or null where it is absent or, with `owner` given, another's. */
  getTask(id: string, owner?: string): Promise<TaskRecord | null>;
  /** `TaskRecord.id` of the newest epoch of a chosen id, which may be forgotten or another owner's. Null: nobody has chosen it. */
  newestEpoch(chosenId: string): Promise<string | null>;
  listTasks(filter: TaskFilter, page: PageRequest): Promise<Page<TaskRecord>>;
  /** Forgets an ended task: row, log, idempotency key. Its messages stay in the conversation. False: absent or another's. Throws `task_not_terminal`. */
  deleteTask(id: string, owner: string): Promise<boolean>;

  /** Tasks of the group by their numbers, in that order, without those that are absent. */
  groupTasks(group: TaskGroup, numbers: readonly number[]): Promise<NumberedTask[]>;
  /** The tasks of the group that were accepted behind number `after`, in the order of their numbers. */
  groupTasksBehind(group: TaskGroup, after: number, limit: number): Promise<NumberedTask[]>;
  /** The group's newest number, 0 where it has no task, and its tasks that have not ended, oldest first. */
  groupNow(group: TaskGroup, limit: number): Promise<{ newest: number; active: NumberedTask[] }>;
  /** No task, of whatever owner, has a higher number. */
  lastNumber(): Promise<number>;

  /** PENDING → RUNNING for this workflow run (RUNNING stays RUNNING with the new run id). Null: it has ended, is queued or absent. */
  beginTask(id: string, runId: string): Promise<TaskRecord | null>;
  /** Records the request under the row's lock; ends a PENDING task itself. Null: absent or another's. */
  requestCancel(id: string, owner: string, request: CancelRequest): Promise<CancelResult | null>;
  /**
   * Stores log entries of a running task ahead of its end (continue-as-new). What is stored is left as it is, unless the run was reset:
   * then the log is that of the run that goes on.
   */
  appendLog(taskId: string, events: LogEvent[]): Promise<void>;
  /**
   * Compare-and-set to the terminal status with message, log and record in ONE transaction. The first writer wins. The ends of children
   * that the run has read by its log are no results of a conversation from then on. Throws `TaskAbsent`.
   */
  finishTask(request: FinishRequest): Promise<FinishResult>;
  /** Stored entries with `seq > after`, in order, up to about `maxBytes` of JSON (at least one entry; `Infinity`: all). */
  readLog(taskId: string, after: number, maxBytes: number): Promise<LogPage>;

  /**
   * For the reconciler: PENDING tasks that have their turn and are not known to be started, oldest first, accepted or last
   * tried at least `olderThanMs` ago. Where tasks wait for a turn that nobody has, the first of them has it from now on.
   */
  dueStarts(olderThanMs: number, limit: number): Promise<TaskRecord[]>;
  /** Temporal has accepted the start: `dueStarts` leaves the task out for the next minute. */
  markStarted(id: string): Promise<void>;
  /** Recorded cancels that Temporal has not accepted yet. */
  dueCancels(limit: number): Promise<TaskRecord[]>;
  markCancelSent(id: string): Promise<void>;
  /** RUNNING tasks whose workflow was not looked at for `olderThanMs`, longest first; marks them as looked at. */
  dueChecks(olderThanMs: number, limit: number): Promise<TaskRecord[]>;
}
