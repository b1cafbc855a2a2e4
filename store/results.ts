import {
  and,
  asc,
  eq,
  inArray,
  isNotNull,
  isNull,
  not,
  notExists,
  notInArray,
  or,
  sql,
  type SQL,
} from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { TaskRecord } from '../contract/task.ts';
import type { ResultClaim } from './conversation-store.ts';
import type { Queries } from './database.ts';
import { toTask } from './rows.ts';
import { isAwaited } from './parent-news.ts';
import { resultClaims } from './schema.ts';
import { tasks } from './task-table.ts';
import { ACTIVE, forgetTasks } from './tasks.ts';
import { lockConversation, takesTurns } from './turns.ts';

/** `Store.claimResults`. A claim that delivers nothing is not kept: nothing can be lost with its answer. */
export async function claimResults(
  tx: Queries,
  { id, owner }: { id: string; owner: string },
  { claimId, limit }: ResultClaim,
): Promise<TaskRecord[] | null> {
  if (!(await lockConversation(tx, id, owner))) return null;
  if (await isKnown(tx, id, claimId)) return resultsOf(tx, id, { claimId });
  const results = await resultsOf(tx, id, { limit });
  if (results.length === 0) return [];
  const created_at = new Date().toISOString();
  await tx.insert(resultClaims).values({ conversation_id: id, claim_id: claimId, created_at });
  const ids = results.map((task) => task.id);
  await tx.update(tasks).set({ claim_id: claimId }).where(inArray(tasks.id, ids));
  return results;
}

/** `Store.forgetEndedTasks` */
export async function forgetEndedTasks(
  tx: Queries,
  id: string,
  owner: string,
): Promise<string[] | null> {
  if (!(await lockConversation(tx, id, owner))) return null;
  const which = and(
    eq(tasks.conversation_id, id),
    notInArray(tasks.status, ACTIVE),
    or(takesTurns(tasks), isNotNull(tasks.claim_id), isNotNull(tasks.taken_at)),
    sql`${tasks.tree_cancel_due} is not true`,
    not(isAwaited(tx)),
  )!;
  return forgetTasks(tx, which);
}

async function isKnown(tx: Queries, id: string, claimId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: resultClaims.claim_id })
    .from(resultClaims)
    .where(and(eq(resultClaims.conversation_id, id), eq(resultClaims.claim_id, claimId)));
  return rows.length > 0;
}

const parent = alias(tasks, 'parent');

/** Not claimed yet, and none that the task's parent has read or may still read. */
function isUndelivered(tx: Queries): SQL | undefined {
  const mayRead = tx
    .select({ id: parent.id })
    .from(parent)
    .where(and(eq(parent.id, tasks.parent_task_id), inArray(parent.status, ACTIVE)));
  return and(isNull(tasks.claim_id), isNull(tasks.taken_at), notExists(mayRead));
}

/** Of this claim, or of none. */
async function resultsOf(
  tx: Queries,
  id: string,
  which: { claimId: string } | { limit: number },
): Promise<TaskRecord[]> {
  const delivered = 'claimId' in which ? eq(tasks.claim_id, which.claimId) : isUndelivered(tx);
  const query = tx
    .select()
    .from(tasks)
    .where(
      and(
        eq(tasks.conversation_id, id),
        eq(tasks.detached, true),
        notInArray(tasks.status, ACTIVE),
        delivered,
      ),
    )
    .orderBy(asc(tasks.finished_at), asc(tasks.number));
  const rows = await ('limit' in which ? query.limit(which.limit) : query);
  return rows.map(toTask);
}
