import { and, asc, eq, inArray } from 'drizzle-orm';
import type { CancelRequest } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { requestCancel } from './request-cancel.ts';
import { tasks } from './task-table.ts';
import { ACTIVE } from './tasks.ts';
import type { TreeCancel, TreeCancelResult } from './tree-store.ts';
import { below, lockTree } from './tree.ts';

/** `Store.requestTreeCancel`. From the commit on nothing is started below, so what is there now is all that there is. */
export async function requestTreeCancel(
  tx: Queries,
  { id, owner }: { id: string; owner: string },
  request: CancelRequest,
): Promise<TreeCancelResult | null> {
  await lockTree(tx, id);
  const result = await requestCancel(tx, { id, owner }, request);
  if (!result) return null;
  const goesOn = (await activeBelow(tx, id)).length > 0;
  if (result.kind === 'already_terminal' && !goesOn) return { ...result, goesOn };
  await tx
    .update(tasks)
    .set({ tree_cancel: request, tree_cancel_due: goesOn })
    .where(eq(tasks.id, id));
  return { ...result, goesOn };
}

/**
 * The cancels of these tasks, recorded in the same transaction, count for all that is below them too. It holds the owner's
 * lock, as every start does, so nothing is started there meanwhile.
 */
export async function markTrees(tx: Queries, ids: string[], request: CancelRequest): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .update(tasks)
    .set({ tree_cancel: request, tree_cancel_due: true })
    .where(inArray(tasks.id, ids));
}

/** `Store.activeBelow` */
export async function activeBelow(db: Queries, id: string): Promise<string[]> {
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(below(id), inArray(tasks.status, ACTIVE)))
    .orderBy(asc(tasks.number));
  return rows.map((row) => row.id);
}

/** `Store.dueTreeCancels` */
export async function dueTreeCancels(db: Queries, limit: number): Promise<TreeCancel[]> {
  const rows = await db
    .select({ id: tasks.id, owner: tasks.owner, request: tasks.tree_cancel })
    .from(tasks)
    .where(eq(tasks.tree_cancel_due, true))
    .orderBy(asc(tasks.number))
    .limit(limit);
  return rows.flatMap(({ request, ...task }) => (request ? [{ ...task, request }] : []));
}

/** `Store.settleTreeCancel` */
export async function settleTreeCancel(db: Queries, id: string): Promise<void> {
  await db.update(tasks).set({ tree_cancel_due: false }).where(eq(tasks.id, id));
}
