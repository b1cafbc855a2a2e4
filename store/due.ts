import { and, asc, eq, inArray, isNotNull, isNull, lte, not, or, sql, type SQL } from 'drizzle-orm';
import type { TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { hasParent, UNTOLD } from './parent-news.ts';
import { toTask } from './rows.ts';
import { tasks } from './task-table.ts';
import { passForgottenTurns } from './turns.ts';

/** For how long an accepted start is trusted to begin by itself. */
const START_TRUSTED_MS = 60_000;

/** `Store.dueStarts`. The tasks count as tried from now on. */
export async function dueStarts(
  tx: Queries,
  olderThanMs: number,
  limit: number,
): Promise<TaskRecord[]> {
  await passForgottenTurns(tx, limit);
  const waitingSince = sql`coalesce(${tasks.start_tried_at}, ${tasks.created_at})`;
  const due = and(
    eq(tasks.status, 'PENDING'),
    isNull(tasks.queued),
    lte(waitingSince, ago(olderThanMs)),
    or(isNull(tasks.start_accepted_at), lte(tasks.start_accepted_at, ago(START_TRUSTED_MS))),
  );
  return take(tx, { due, order: waitingSince, limit, mark: { start_tried_at: ago(0) } });
}

/** `Store.dueChecks` */
export async function dueChecks(
  tx: Queries,
  olderThanMs: number,
  limit: number,
): Promise<TaskRecord[]> {
  const unseen = or(isNull(tasks.checked_at), lte(tasks.checked_at, ago(olderThanMs)));
  const due = and(eq(tasks.status, 'RUNNING'), unseen);
  const order = sql`${tasks.checked_at} asc nulls first`;
  return take(tx, { due, order, limit, mark: { checked_at: ago(0) } });
}

/** `Store.dueCancels`: those whose workflow may exist. A cancel that is sent twice does no harm, so nothing is marked. */
export async function dueCancels(db: Queries, limit: number): Promise<TaskRecord[]> {
  const rows = await db
    .select()
    .from(tasks)
    .where(
      and(
        isNotNull(tasks.cancel_request),
        isNull(tasks.cancel_sent_at),
        or(
          isNotNull(tasks.run_id),
          isNotNull(tasks.start_accepted_at),
          isNotNull(tasks.start_tried_at),
        ),
      ),
    )
    .orderBy(asc(tasks.number))
    .limit(limit);
  return rows.map(toTask);
}

/** `TreeStore.dueParentNews`. One that cannot be told does not hold up the others. */
export async function dueParentNews(
  tx: Queries,
  olderThanMs: number,
  limit: number,
): Promise<TaskRecord[]> {
  const due = and(
    UNTOLD,
    lte(tasks.finished_at, ago(olderThanMs)),
    or(isNull(tasks.checked_at), lte(tasks.checked_at, ago(olderThanMs))),
    // A run that has not begun is told when it has.
    not(hasParent(tx, 'PENDING')),
  );
  const order = sql`${tasks.checked_at} asc nulls first`;
  return take(tx, { due, order, limit, mark: { checked_at: ago(0) } });
}

/** `Store.markStarted`. A cancel that was sent before found no workflow, so it is due again. */
export async function markStarted(db: Queries, id: string): Promise<void> {
  await db
    .update(tasks)
    .set({ start_accepted_at: ago(0), cancel_sent_at: null })
    .where(eq(tasks.id, id));
}

/** `Store.markCancelSent` */
export async function markCancelSent(db: Queries, id: string): Promise<void> {
  await db
    .update(tasks)
    .set({ cancel_sent_at: ago(0) })
    .where(eq(tasks.id, id));
}

interface Take {
  due: SQL | undefined;
  order: SQL;
  limit: number;
  mark: { start_tried_at: string } | { checked_at: string };
}

/** Takes due tasks up and marks them. Rows that another reconciler holds are passed over, not waited for. */
async function take(tx: Queries, { due, order, limit, mark }: Take): Promise<TaskRecord[]> {
  const rows = await tx
    .select()
    .from(tasks)
    .where(due)
    .orderBy(order, asc(tasks.number))
    .limit(limit)
    .for('update', { skipLocked: true });
  const ids = rows.map((row) => row.id);
  if (ids.length > 0) await tx.update(tasks).set(mark).where(inArray(tasks.id, ids));
  return rows.map(toTask);
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}
