import type { Conversation } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { conversationNotFound } from './errors.ts';
import { isConversationId } from './ids.ts';

/** The owner's conversation. Throws `conversation_not_found`. */
export async function ownConversation(
  store: Store,
  { id, owner }: { id: string; owner: string },
): Promise<Conversation> {
  const conversation = isConversationId(id) ? await store.getConversation(id, owner) : null;
  if (!conversation) throw conversationNotFound();
  return conversation;
}
