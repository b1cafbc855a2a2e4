import { eq } from 'drizzle-orm';
import type { CancelRequest, TaskRecord } from '../contract/task.ts';
import { markTrees } from './cancel-tree.ts';
import type { Queries } from './database.ts';
import { markMessages } from './messages.ts';
import { cancelLocked } from './request-cancel.ts';
import { StoreRefusal } from './refusal.ts';
import type { Start } from './starts.ts';
import type { CancelResult } from './store.ts';
import { tasks } from './task-table.ts';
import { moveBack, settleSource, takingTurns } from './turns.ts';

/** Where a start stands in its conversation. */
export interface Place {
  turn: number;
  queued: TaskRecord['queued'];
  /** Tasks that were cancelled for it. */
  interrupted: CancelResult[];
}

/** A start with the ordinal of its task, and whether another task of its conversation had its turn when that was looked up. */
export interface Joining extends Start {
  ordinal: number;
  isBusy: boolean;
}

/**
 * Gives the start its place in its conversation, which is locked. Nobody else takes a turn there meanwhile: whoever found
 * it free has it.
 */
export async function lineUp(tx: Queries, joining: Joining): Promise<Place> {
  const place = await placeOf(tx, joining);
  const { detached, conversation_id, continue_from = null } = joining.task;
  if (place.queued === null && !detached)
    await settleSource(tx, { conversation_id, continue_from });
  return place;
}

async function placeOf(tx: Queries, joining: Joining): Promise<Place> {
  const { task, ordinal, isBusy } = joining;
  const place: Place = { turn: ordinal, queued: null, interrupted: [] };
  if (task.conversation_id === null || !isBusy) return place;
  const ahead = await takingTurns(tx, task.conversation_id);
  // It has ended meanwhile.
  if (!ahead[0]) return place;
  // It reads what was said before the task that has its turn now, and no more of it while both run.
  if (task.detached) return { ...place, turn: ahead[0].turn };
  if (task.on_busy === 'interrupt' || task.on_busy === 'rollback') {
    return goAhead(tx, joining, ahead);
  }
  return { ...place, queued: 'in_order' };
}

/**
 * Cancels what has its turn, and what has interrupted it and waits for its end; then goes ahead of the rest. Throws `StoreRefusal`
 * where the start would be below one of those: it would be cancelled with them.
 */
async function goAhead(
  tx: Queries,
  { task, ordinal, ancestors = [] }: Joining,
  ahead: readonly TaskRecord[],
): Promise<Place> {
  const rollsBack = task.on_busy === 'rollback';
  const verb = rollsBack ? 'rolled back' : 'interrupted';
  const at = new Date().toISOString();
  const request = { at, by: task.owner, reason: `${verb} by ${task.id}` };
  const interrupted: CancelResult[] = [];
  const others = ahead.filter(({ queued }) => queued !== 'in_order');
  const above = others.find(({ id }) => ancestors.includes(id));
  if (above)
    throw new StoreRefusal(
      'tree_cancelled',
      `${above.id} would be cancelled with all that is below it, so the task that does so cannot be started there`,
    );
  for (const other of others) {
    interrupted.push(await (rollsBack ? rollBack : cancelLocked)(tx, other, request));
  }
  const ids = interrupted.map(({ task }) => task.id);
  await markTrees(tx, ids, request);
  const first = ahead.find(({ queued }) => queued === 'in_order');
  if (first) await moveBack(tx, first.conversation_id!, first.turn);
  const waits = interrupted.some(({ kind }) => kind === 'requested');
  return { turn: first?.turn ?? ordinal, queued: waits ? 'ahead' : null, interrupted };
}

/** What it says until its end is marked when it is stored. */
async function rollBack(
  tx: Queries,
  other: TaskRecord,
  request: CancelRequest,
): Promise<CancelResult> {
  const { id, conversation_id } = other;
  await tx.update(tasks).set({ rolled_back: true }).where(eq(tasks.id, id));
  await markMessages(tx, conversation_id!, { taskId: id, rolledBack: true });
  return cancelLocked(tx, other, request);
}
