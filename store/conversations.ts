import { and, eq, sql } from 'drizzle-orm';
import type { Conversation } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { behind, inOrder, pageOf } from './page-cursor.ts';
import { only, toConversation } from './rows.ts';
import { conversations, messages, resultClaims } from './schema.ts';
import { StoreRefusal } from './refusal.ts';
import type { Page, PageRequest } from './store.ts';
import { tasks } from './task-table.ts';
import { forgetTasks, isAnyUndone } from './tasks.ts';
import { lockConversation } from './turns.ts';

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
export async function deleteConversation(
  tx: Queries,
  id: string,
  owner: string,
): Promise<string[] | null> {
  if (!(await lockConversation(tx, id, owner))) return null;
  if (await isAnyUndone(tx, eq(tasks.conversation_id, id))) {
    throw new StoreRefusal(
      'task_not_terminal',
      'a task of the conversation has not ended, or the news of an end to a parent is under way',
    );
  }
  const forgotten = await forgetTasks(tx, eq(tasks.conversation_id, id));
  await tx.delete(messages).where(eq(messages.conversation_id, id));
  await tx.delete(resultClaims).where(eq(resultClaims.conversation_id, id));
  await tx.delete(conversations).where(eq(conversations.id, id));
  return forgotten;
}

/**
 * Locks the conversations, made for `owner` where they are absent, and gives the next ordinal of each, by id; another
 * owner's are left out. One statement, so that no delete comes between making and locking; in the order of ids, so that
 * no two owners who make the same ones wait for each other. A new one gets its `number`, or the next where that is null.
 */
export async function joinConversations(
  tx: Queries,
  { owner, created_at }: { owner: string; created_at: string },
  joined: readonly { id: string; number: number | null }[],
): Promise<Map<string, number>> {
  if (joined.length === 0) return new Map();
  const made = joined
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, number }) => ({ id, number: number ?? sql`default`, last_ordinal: 1 }));
  const rows = await tx
    .insert(conversations)
    .values(made.map((row) => ({ ...row, owner, created_at, metadata: {} })))
    .onConflictDoUpdate({
      target: conversations.id,
      set: { last_ordinal: sql`${conversations.last_ordinal} + 1` },
      setWhere: eq(conversations.owner, owner),
    })
    .returning({ id: conversations.id, ordinal: conversations.last_ordinal });
  return new Map(rows.map(({ id, ordinal }) => [id, ordinal]));
}

/**
 * Held until commit by whoever inserts a row that lists show: an owner's numbers become visible in their order, and a
 * page that was read stays complete.
 */
export async function lockOwner(tx: Queries, owner: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${owner}, 0))`);
}
