import type { OnBusy, TaskRecord } from '../contract/task.ts';

/** A task to accept. Ids are the caller's to make: 128 random bits behind `task_`. */
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
  interrupted: TaskRecord[];
}

/** Scoped by owner; `requestHash` tells a repetition from another request under the same key. */
export interface IdempotencyKey {
  key: string;
  requestHash: string;
}
