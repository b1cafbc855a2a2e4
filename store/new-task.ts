import type { OnBusy, TaskRecord } from '../contract/task.ts';
import type { CancelResult } from './store.ts';

/**
 * A task to accept. Its id is 128 random bits behind `task_`, or one that was chosen (`isChosenId`): the task is then the next
 * epoch of that, and its record has the epoch's id.
 */
export type NewTask = Pick<
  TaskRecord,
  | 'id'
  | 'owner'
  | 'type'
  | 'agent'
  | 'model'
  | 'instructions'
  | 'name'
  | 'description'
  | 'input'
  | 'conversation_id'
  | 'parent'
  | 'metadata'
  | 'limits'
> &
  Partial<Pick<TaskRecord, 'detached' | 'continue_from' | 'tool_call'>> & {
    /** Default `enqueue`. */
    on_busy?: OnBusy | undefined;
  };

/** A start that was accepted, now or, with its key, before. */
export interface Accepted {
  task: TaskRecord;
  created: boolean;
  /** Tasks that it cancelled to get ahead of them. Temporal is still to be told, of those too that have ended by it. */
  interrupted: CancelResult[];
}

/** Scoped by owner; `requestHash` tells a repetition from another request under the same key. */
export interface IdempotencyKey {
  key: string;
  requestHash: string;
}
