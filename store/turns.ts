import {
  and,
  asc,
  eq,
  gte,
  inArray,
  isNotNull,
  isNull,
  notExists,
  sql,
  type SQL,
} from 'drizzle-orm';
import { alias, type PgColumn } from 'drizzle-orm/pg-core';
import type { TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { markMessages, moveMessagesBack } from './messages.ts';
import { toTask } from './rows.ts';
import { conversations } from './schema.ts';
import { tasks } from './task-table.ts';
import { ACTIVE } from './tasks.ts';

/*
 * The tasks of a conversation take turns, in the order of `turn`: one that has not ended and is not `queued` has its turn,
 * and all others wait. Who changes that holds the lock of the conversation's row, and takes it before any lock on a task.
 */

const waiting = alias(tasks, 'waiting');
const holder = alias(tasks, 'holder');

/** Locks the conversation of the task, where it has one, until the transaction ends. */
export async function lockConversationOf(tx: Queries, taskId: string): Promise<void> {
  const own = tx.select({ id: tasks.conversation_id }).from(tasks).where(eq(tasks.id, taskId));
  await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(inArray(conversations.id, own))
    .for('update');
}

/** The owner's conversation is there, and locked until the transaction ends. */
export async function lockConversation(tx: Queries, id: string, owner: string): Promise<boolean> {
  const rows = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.id, id), eq(conversations.owner, owner)))
    .for('update');
  return rows.length > 0;
}

/** The tasks of a locked conversation that have their turn or wait for it, in the order of their turns. */
export async function takingTurns(tx: Queries, conversationId: string): Promise<TaskRecord[]> {
  const rows = await tx
    .select()
    .from(tasks)
    .where(
      and(
        eq(tasks.conversation_id, conversationId),
        inArray(tasks.status, ACTIVE),
        takesTurns(tasks),
      ),
    )
    .orderBy(asc(sql`coalesce(${tasks.turn}, ${tasks.ordinal})`));
  return rows.map(toTask);
}

/** Who has the turn in a conversation. */
function holders(tx: Queries, conversationId: SQL) {
  const hasTurn = and(
    eq(holder.conversation_id, conversationId),
    inArray(holder.status, ACTIVE),
    isNull(holder.queued),
    takesTurns(holder),
  );
  return tx.select({ id: holder.id }).from(holder).where(hasTurn);
}

/** Not so a detached task: it runs beside those that do. */
export function takesTurns({ detached }: { detached: PgColumn }): SQL {
  return sql`${detached} is not true`;
}

/** Makes room for a task ahead of those that wait: `turn` is free, and what had it or a later one has the next. */
export async function moveBack(tx: Queries, conversationId: string, turn: number): Promise<void> {
  await tx
    .update(tasks)
    .set({ turn: sql`${tasks.turn} + 1` })
    .where(and(eq(tasks.conversation_id, conversationId), gte(tasks.turn, turn)));
  await moveMessagesBack(tx, conversationId, turn);
}

/**
 * Gives the turn to the first who waits for it in a locked conversation, unless a task has it. Whoever gets it is to be
 * started, and counts as tried, so that the reconciler does not do so at the same time.
 */
export async function passTurn(
  tx: Queries,
  conversationId: string | null,
): Promise<TaskRecord | null> {
  if (conversationId === null) return null;
  const first = tx
    .select({ id: waiting.id })
    .from(waiting)
    .where(and(eq(waiting.conversation_id, conversationId), isNotNull(waiting.queued)))
    .orderBy(asc(waiting.turn))
    .limit(1);
  const [row] = await tx
    .update(tasks)
    .set({ queued: null, start_tried_at: new Date().toISOString() })
    .where(and(inArray(tasks.id, first), notExists(holders(tx, sql`${conversationId}`))))
    .returning();
  if (!row) return null;
  const next = toTask(row);
  await settleSource(tx, next);
  return next;
}

/** Passes on turns that nobody has although tasks wait: an older version has ended whoever had them. */
export async function passForgottenTurns(tx: Queries, limit: number): Promise<void> {
  const wait = tx
    .select({ id: waiting.conversation_id })
    .from(waiting)
    .where(isNotNull(waiting.queued));
  const rows = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(inArray(conversations.id, wait), notExists(holders(tx, sql`${conversations.id}`))))
    .limit(limit)
    .for('update', { skipLocked: true });
  for (const { id } of rows) await passTurn(tx, id);
}

/**
 * What a task in its turn goes on from stands in their conversation from now on, without its partial answer where that is
 * discarded.
 */
export async function settleSource(
  tx: Queries,
  { conversation_id, continue_from }: Pick<TaskRecord, 'conversation_id' | 'continue_from'>,
): Promise<void> {
  if (conversation_id === null || !continue_from) return;
  const rolledBack = continue_from.partial === 'discard';
  const marking = { taskId: continue_from.task_id, partialOnly: rolledBack, rolledBack };
  await markMessages(tx, conversation_id, marking);
}
