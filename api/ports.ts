import type { ApprovalDecision, LogPlace } from '../contract/run-messages.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Live, Receipt } from '../contract/wire.ts';
import type { IdempotencyKey, NewTask } from '../store/new-task.ts';
import type { TaskGroup } from '../store/store.ts';

/** What a caller says with a cancel. `waitMs`: longest wait for the end, in milliseconds. */
export interface CancelAsked {
  by: string | null;
  reason: string | null;
  waitMs: number;
}

/** What the routes ask of the running system: the part of the API that talks to Temporal. */
export interface Tasks {
  /**
   * Accepts durably, then starts the workflow, unless it is not the task's turn in its conversation; with Temporal down the
   * task stays PENDING and is started later. `watched`: a reader of its feed follows at once. Throws `ApiError`
   * (`conversation_not_found`), `StoreRefusal`, `StoreUnavailable`.
   */
  start(
    task: NewTask,
    options?: { key?: IdempotencyKey | undefined; watched?: boolean },
  ): Promise<{ task: TaskRecord; created: boolean }>;
  /**
   * Records the cancel, stops the run, or with `tree` all runs below it too, waits for their end up to `waitMs`. Throws `ApiError`
   * `task_not_found`.
   */
  cancel(
    id: string,
    owner: string,
    request: CancelAsked & { scope: 'task' | 'tree' },
  ): Promise<Receipt>;
  /** Cancels all that has not ended in a conversation, with a receipt for each. Throws `ApiError` `conversation_not_found`. */
  cancelConversation(id: string, owner: string, request: CancelAsked): Promise<Receipt[]>;
  /**
   * Writes to the task's run. Throws `ApiError` (`no_inbox`, `task_terminated`, `no_worker`, `rate_limited`,
   * `idempotency_key_reused`).
   */
  message(
    task: TaskRecord,
    message: { text: string; from: string | null } & Partial<IdempotencyKey>,
  ): Promise<LogPlace>;
  /**
   * Decides on a call that waits for approval. Throws `ApiError` (`approval_not_found`, `approval_resolved`,
   * `task_terminated`, `no_worker`).
   */
  decide(task: TaskRecord, decision: ApprovalDecision): Promise<LogPlace>;
  /** What a RUNNING task is doing; null when neither a worker nor Temporal can tell. */
  live(task: TaskRecord): Promise<LiveTask | null>;
  /** Forgets an ended task: record, log, workflow. Throws `ApiError` `task_not_found`, `task_not_terminal`. */
  forget(id: string, owner: string): Promise<void>;
  /** Forgets the ended tasks of a conversation but those whose result was not delivered; resolves to their number. Throws `ApiError` `conversation_not_found`. */
  forgetEnded(conversationId: string, owner: string): Promise<number>;
  /** Forgets a conversation with its messages and all of its tasks. Throws `ApiError` `conversation_not_found`, `task_not_terminal`. */
  forgetConversation(id: string, owner: string): Promise<void>;
}

/** A task while it runs. */
export interface LiveTask {
  live: Live;
  /** So far. */
  lastSeq: number;
  usage: TaskRecord['usage'];
  progress: number;
}

/** What every reader of a feed says. */
export interface FeedRequest {
  /** `Last-Event-ID`, else `?after=`, as it came. */
  cursor: string | undefined;
  /** False: log entries only. */
  deltas: boolean;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  /** Cuts the client's connection; left out where there is none to cut. */
  drop?: (() => void) | undefined;
  /** Whether its reader may still read: where not, a stream ends between two frames. */
  mayRead(): boolean;
}

export interface TaskFeedRequest extends FeedRequest {
  task: TaskRecord;
}

export interface GroupFeedRequest extends FeedRequest {
  group: TaskGroup;
}

/** How much of a feed is wanted as JSON, and how long the reader waits for the first of it. */
export interface PageRequest {
  limit: number;
  waitMs: number;
}

/** The feeds: one hub per watched task, any number of readers. */
export interface Feed {
  /** The SSE response (200, or 204 at the terminal event). Throws `ApiError` (`cursor_*`) before the first byte. */
  stream(request: TaskFeedRequest): Promise<Response>;
  /** Log entries as JSON; waits up to `waitMs` for at least one. */
  page(request: TaskFeedRequest & PageRequest): Promise<FeedPage>;
  /** One response for all tasks of a group, those that are still to be accepted too. It does not end with them. Throws as `stream`. */
  streamGroup(request: GroupFeedRequest): Promise<Response>;
  /** Their log entries as JSON, as `page` gives one task's. */
  pageGroup(request: GroupFeedRequest & PageRequest): Promise<GroupFeedPage>;
  /** Ends every stream between two frames and refuses new ones: for shutdown. */
  drain(): Promise<void>;
}

export interface FeedPage {
  data: unknown[];
  /** Cursor behind the last entry of `data`. */
  next: string;
  last_seq: number;
  terminal: boolean;
}

export type GroupFeedPage = Pick<FeedPage, 'data' | 'next'>;
