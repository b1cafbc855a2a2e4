import { randomBytes } from 'node:crypto';
import { and, asc, eq, lte } from 'drizzle-orm';
import type { Message } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { behind, inOrder, pageOf } from './page-cursor.ts';
import { toMessage } from './rows.ts';
import { messages } from './schema.ts';
import type { Page, PageRequest } from './store.ts';

/** Inserts messages under new ids. */
export async function insertMessages(
  tx: Queries,
  said: readonly Omit<Message, 'id'>[],
): Promise<void> {
  if (said.length === 0) return;
  const rows = said.map((message) => ({
    ...message,
    id: `msg_${randomBytes(16).toString('hex')}`,
    position: positionOf(message.ordinal, message.role),
  }));
  await tx.insert(messages).values(rows);
}

/** `Store.listMessages` */
export async function listMessages(
  db: Queries,
  conversationId: string,
  page: PageRequest,
): Promise<Page<Message>> {
  const rows = await db
    .select()
    .from(messages)
    .where(and(eq(messages.conversation_id, conversationId), behind(messages.position, page)))
    .orderBy(inOrder(messages.position, page))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, { position: (row) => row.position, record: toMessage });
}

/** `Store.readConversation` */
export async function readConversation(
  db: Queries,
  conversationId: string,
  ordinal: number,
): Promise<Message[]> {
  const last = positionOf(ordinal, 'user');
  const rows = await db
    .select()
    .from(messages)
    .where(and(eq(messages.conversation_id, conversationId), lte(messages.position, last)))
    .orderBy(asc(messages.position));
  return rows.map(toMessage);
}

/** Sorts by (ordinal, role), the user's message first. */
function positionOf(ordinal: number, role: Message['role']): number {
  return ordinal * 2 + (role === 'assistant' ? 1 : 0);
}
