import type { CancelRequest, TaskRecord } from '../contract/task.ts';
import type { CancelResult, Page, PageRequest } from './store.ts';

/** A cancel of a task and of all below it. */
export interface TreeCancel {
  id: string;
  owner: string;
  request: CancelRequest;
}

/** `goesOn`: tasks below have not ended, and `spreadTreeCancel` is to record the cancel in them. */
export type TreeCancelResult = CancelResult & { goesOn: boolean };

/** What a store knows of tasks that were started below others. Every method is one transaction. */
export interface TreeStore {
  /** The task and those below it, oldest first: a parent comes before its children. Empty: absent or another's. */
  listTree(
    id: string,
    owner: string,
    page: Pick<PageRequest, 'limit' | 'cursor'>,
  ): Promise<Page<TaskRecord>>;
  /**
   * `requestCancel`, and nothing is started below the task any more. Where it has ended, that counts if tasks below it have
   * not; otherwise nothing is changed.
   */
  requestTreeCancel(
    id: string,
    owner: string,
    request: CancelRequest,
  ): Promise<TreeCancelResult | null>;
  /** Ids of the PENDING and RUNNING tasks below the task, oldest first. */
  activeBelow(id: string): Promise<string[]>;
  /** The cancel of the task's tree is recorded in all tasks below it. */
  settleTreeCancel(id: string): Promise<void>;
  /** The run of the task's parent was told of the task's end, or cannot be told any more. */
  markParentTold(id: string): Promise<void>;
  /**
   * For the reconciler: tasks that ended, and were last tried, at least `olderThanMs` ago, and whose parent's run has begun and is
   * not known to be told; longest not tried first. They count as tried from now on.
   */
  dueParentNews(olderThanMs: number, limit: number): Promise<TaskRecord[]>;
  /** For the reconciler: cancels of trees that may not be recorded in all tasks below yet. */
  dueTreeCancels(limit: number): Promise<TreeCancel[]>;
}
