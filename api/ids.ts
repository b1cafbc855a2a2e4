import { randomBytes } from 'node:crypto';

const TASK_ID = /^task_[A-Za-z0-9_-]{1,128}$/;
const CONVERSATION_ID = /^conv_[A-Za-z0-9_-]{1,64}$/;

/** An id of 128 random bits, and short: it stands in every frame of a feed. */
export function newId(kind: 'task' | 'conv'): string {
  return `${kind}_${randomBytes(16).toString('base64url')}`;
}

/** Whether a task can have this id. What cannot exist need not be looked up. */
export function isTaskId(id: string): boolean {
  return TASK_ID.test(id);
}

/** As `isTaskId`. */
export function isConversationId(id: string): boolean {
  return CONVERSATION_ID.test(id);
}
