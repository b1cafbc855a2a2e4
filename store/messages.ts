import { randomBytes } from 'node:crypto';
import { and, asc, eq, gte, lt, sql, type SQL } from 'drizzle-orm';
import type { Message } from '../contract/task.ts';
import type { MessagePageRequest, SaidInTurn } from './conversation-store.ts';
import type { Queries } from './database.ts';
import { behind, inOrder, pageOf } from './page-cursor.ts';
import { toMessage } from './rows.ts';
import { messages } from './schema.ts';
import type { Page } from './store.ts';

/** A message to store, in the turn of its task. */
export type NewMessage = Omit<Message, 'id'> & { turn: number };

/** Inserts messages under new ids. */
export async function insertMessages(tx: Queries, said: readonly NewMessage[]): Promise<void> {
  if (said.length === 0) return;
  const rows = said.map(({ turn, ...message }) => ({
    ...message,
    id: `msg_${randomBytes(16).toString('hex')}`,
    position: positionOf(turn, message.role),
  }));
  await tx.insert(messages).values(rows);
}

/** `Store.listMessages` */
export async function listMessages(
  db: Queries,
  conversationId: string,
  { rolledBack, ...page }: MessagePageRequest,
): Promise<Page<Message>> {
  const which = and(
    eq(messages.conversation_id, conversationId),
    rolledBack ? undefined : STANDING,
    behind(messages.position, page),
  );
  const rows = await db
    .select()
    .from(messages)
    .where(which)
    .orderBy(inOrder(messages.position, page))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, { position: (row) => row.position, record: toMessage });
}

/** `Store.readConversation` */
export async function readConversation(
  db: Queries,
  conversationId: string,
  { from, before }: { from: number; before: number },
): Promise<SaidInTurn[]> {
  const which = and(
    eq(messages.conversation_id, conversationId),
    STANDING,
    gte(messages.position, positionOf(from, 'user')),
    lt(messages.position, positionOf(before, 'user')),
  );
  const rows = await db.select().from(messages).where(which).orderBy(asc(messages.position));
  return rows.map((row) => ({ ...toMessage(row), turn: Math.floor(row.position / 2) }));
}

/** Moves what is said from this turn on one turn back. In two steps, because a place is never taken twice. */
export async function moveMessagesBack(
  tx: Queries,
  conversationId: string,
  fromTurn: number,
): Promise<void> {
  const { conversation_id, position } = messages;
  const move = (which: SQL, to: SQL) =>
    tx
      .update(messages)
      .set({ position: to })
      .where(and(eq(conversation_id, conversationId), which));
  await move(gte(position, positionOf(fromTurn, 'user')), sql`-${position}`);
  await move(lt(position, 0), sql`${positionOf(1, 'user')}::int - ${position}`);
}

/** Takes what the task has said out of its conversation, which keeps it, or puts it back. */
export async function markMessages(
  tx: Queries,
  conversationId: string,
  { taskId, partialOnly, rolledBack }: Marking,
): Promise<void> {
  const which = and(
    eq(messages.conversation_id, conversationId),
    eq(messages.task_id, taskId),
    partialOnly ? eq(messages.partial, true) : undefined,
  );
  await tx.update(messages).set({ rolled_back: rolledBack }).where(which);
}

interface Marking {
  taskId: string;
  /** Only its partial answer. */
  partialOnly?: boolean;
  rolledBack: boolean;
}

const STANDING = sql`${messages.rolled_back} is not true`;

/** Sorts by (turn, role), the user's message first. */
function positionOf(turn: number, role: Message['role']): number {
  return turn * 2 + (role === 'assistant' ? 1 : 0);
}
