import type { FailureCode } from '../contract/failures.ts';
import type {
  ContinueFrom,
  OnBusy,
  Parent,
  TaskInput,
  TaskStatus,
  TaskType,
} from '../contract/task.ts';

/** What to start. Only `input` is needed; the service's description of its API says what each field may hold. */
export interface StartRequest {
  input: TaskInput;
  /** An id of your own. It may be given again once its task has ended: the next epoch of it. Left out: the service makes one. */
  id?: string;
  agent?: string;
  /** `provider/id`, instead of the agent's own. */
  model?: string;
  /** Instead of the agent's own. */
  instructions?: string;
  conversation_id?: string;
  name?: string;
  description?: string;
  metadata?: Record<string, string>;
  /** The task below which to start it: a cancel of that one's tree reaches it too. Without a conversation it belongs to that one's. */
  parent?: Parent;
  /** What is done where a task of the conversation has not ended. Left out: `enqueue`. */
  on_busy?: OnBusy;
  continue_from?: ContinueFrom;
  /** Beside its conversation, with a result that is claimed there. */
  detached?: boolean;
  timeout_seconds?: number;
  max_steps?: number;
}

export interface CancelRequest {
  reason?: string;
  /** `tree`, the default: with all tasks below it. */
  scope?: 'tree' | 'task';
  /** Longest wait for the end of all of them, in milliseconds; the service's default is 2,000. */
  wait_ms?: number;
}

/** What to write to a task. Its next step reads it, or with `after_run` a task of its own behind it in its conversation. */
export interface MessageRequest {
  text: string;
  /** Who writes, as the model is told. */
  from?: string;
  mode?: 'next_step' | 'after_run';
}

/** What is decided on a call that waits for approval. */
export interface DecideRequest {
  approved: boolean;
  /** What the model is told where it is refused. */
  reason?: string;
}

export interface CancelConversationRequest {
  reason?: string;
  wait_ms?: number;
}

/** `claim_id`: a new one for each claim; the same again gives the same answer, should one get lost. */
export interface ClaimRequest {
  claim_id: string;
  /** 1 to 100; the service's default is 20. */
  limit?: number;
}

/** Which messages to list. `rolled_back`: those too that are no longer part of the conversation. */
export interface MessagesRequest {
  rolled_back?: boolean;
  order?: 'asc' | 'desc';
  limit?: number;
  cursor?: string;
}

/** Which tasks to list, and which page of them. */
export interface ListRequest {
  /** Several: tasks of any of them. */
  status?: TaskStatus | readonly TaskStatus[];
  failure?: FailureCode;
  type?: TaskType;
  agent?: string;
  conversation_id?: string;
  parent_task_id?: string;
  name?: string;
  metadata?: Record<string, string>;
  created_after?: string;
  created_before?: string;
  order?: 'asc' | 'desc';
  /** 1 to 100. */
  limit?: number;
  /** `next_cursor` of the page before. */
  cursor?: string;
}
