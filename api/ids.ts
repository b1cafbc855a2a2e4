import { randomBytes } from 'node:crypto';

const CONVERSATION_ID = /^conv_[A-Za-z0-9_-]{1,64}$/;

/** An id of 128 random bits, and short: it stands in every frame of a feed. */
export function newId(kind: 'task' | 'conv'): string {
  return `${kind}_${randomBytes(16).toString('base64url')}`;
}

/** Whether a conversation can have this id. What cannot exist need not be looked up. */
export function isConversationId(id: string): boolean {
  return CONVERSATION_ID.test(id);
}
