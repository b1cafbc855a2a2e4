import { and, eq, sql } from 'drizzle-orm';
import type { Conversation } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { behind, inOrder, pageOf } from './page-cursor.ts';
import { only, toConversation } from './rows.ts';
import { conversations, messages, tasks } from './schema.ts';
import { StoreRefusal, type Page, type PageRequest } from './store.ts';
import { forgetTasks, hasActiveTask } from './tasks.ts';

/** `Store.createConversation` */
export async function createConversation(
  tx: Queries,
  conversation: Omit<Conversation, 'created_at'>,
): Promise<Conversation> {
  await lockOwner(tx, conversation.owner);
  const created_at = new Date().toISOString();
  const rows = await tx
    .insert(conversations)
    .values({ ...conversation, created_at })
    .returning();
  return toConversation(only(rows));
}

/** `Store.getConversation` */
export async function getConversation(
  db: Queries,
  id: string,
  owner: string,
): Promise<Conversation | null> {
  const [row] = await db
    .select()
    .from(conversations)
    .where(and(eq(conversations.id, id), eq(conversations.owner, owner)));
  return row ? toConversation(row) : null;
}

/** `Store.listConversations` */
export async function listConversations(
  db: Queries,
  owner: string,
  page: PageRequest,
): Promise<Page<Conversation>> {
  const rows = await db
    .select()
    .from(conversations)
    .where(and(eq(conversations.owner, owner), behind(conversations.number, page)))
    .orderBy(inOrder(conversations.number, page))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, { position: (row) => row.number, record: toConversation });
}

/** `Store.deleteConversation` */
export async function deleteConversation(tx: Queries, id: string, owner: string): Promise<boolean> {
  const [row] = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.id, id), eq(conversations.owner, owner)))
    .for('update');
  if (!row) return false;
  if (await hasActiveTask(tx, id)) {
    throw new StoreRefusal('task_not_terminal', 'a task of the conversation has not ended');
  }
  await forgetTasks(tx, eq(tasks.conversation_id, id));
  await tx.delete(messages).where(eq(messages.conversation_id, id));
  await tx.delete(conversations).where(eq(conversations.id, id));
  return true;
}

/**
 * Locks the conversation's row, made for `owner` where it is absent, and tells whose it is. One statement, so that no
 * delete comes between making and locking.
 */
export async function lockConversation(
  tx: Queries,
  { id, owner, created_at }: { id: string; owner: string; created_at: string },
): Promise<{ owner: string }> {
  const rows = await tx
    .insert(conversations)
    .values({ id, owner, created_at, metadata: {} })
    .onConflictDoUpdate({ target: conversations.id, set: { id: sql`excluded.id` } })
    .returning({ owner: conversations.owner });
  return only(rows);
}

/** The next ordinal of a locked conversation. Throws `StoreRefusal` `conversation_busy`. */
export async function joinConversation(tx: Queries, id: string): Promise<number> {
  if (await hasActiveTask(tx, id)) {
    throw new StoreRefusal('conversation_busy', 'the conversation has a task that has not ended');
  }
  const rows = await tx
    .update(conversations)
    .set({ last_ordinal: sql`${conversations.last_ordinal} + 1` })
    .where(eq(conversations.id, id))
    .returning({ ordinal: conversations.last_ordinal });
  return only(rows).ordinal;
}

/**
 * Held until commit by whoever inserts a row that lists show: an owner's numbers become visible in their order, and a
 * page that was read stays complete.
 */
export async function lockOwner(tx: Queries, owner: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${owner}, 0))`);
}
