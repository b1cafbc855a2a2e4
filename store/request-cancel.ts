import { and, eq, inArray } from 'drizzle-orm';
import { isTerminal, type CancelRequest, type TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { lockOwner } from './conversations.ts';
import { endTask } from './finish-task.ts';
import { only, toTask } from './rows.ts';
import type { CancelResult } from './store.ts';
import { tasks } from './task-table.ts';
import { ACTIVE, lockTask } from './tasks.ts';
import { cancelledEnd } from './terminal-event.ts';
import { lockConversation, lockConversationOf, passTurn } from './turns.ts';

/** `Store.requestCancel` */
export async function requestCancel(
  tx: Queries,
  { id, owner }: { id: string; owner: string },
  request: CancelRequest,
): Promise<CancelResult | null> {
  await lockConversationOf(tx, id);
  const found = await lockTask(tx, id, owner);
  if (!found) return null;
  const result = await cancelLocked(tx, found, request);
  if (result.kind !== 'ended') return result;
  return { ...result, next: await passTurn(tx, result.task.conversation_id) };
}

/** `Store.cancelConversation` */
export async function cancelConversation(
  tx: Queries,
  { id, owner }: { id: string; owner: string },
  request: CancelRequest,
): Promise<CancelResult[] | null> {
  // Every start of the owner holds this lock too: none of them puts a task below one that is cancelled here.
  await lockOwner(tx, owner);
  if (!(await lockConversation(tx, id, owner))) return null;
  const rows = await tx
    .select()
    .from(tasks)
    .where(and(eq(tasks.conversation_id, id), inArray(tasks.status, ACTIVE)))
    .orderBy(tasks.number)
    .for('update');
  const results: CancelResult[] = [];
  for (const row of rows) results.push(await cancelLocked(tx, toTask(row), request));
  return results;
}

/** Cancels a task that is locked, as its conversation is. Who has its turn now is for the caller to say. */
export async function cancelLocked(
  tx: Queries,
  found: TaskRecord,
  request: CancelRequest,
): Promise<CancelResult> {
  if (isTerminal(found.status)) return { kind: 'already_terminal', task: found };
  if (found.cancel_request) return { kind: 'requested', task: found };
  const rows = await tx
    .update(tasks)
    .set({ cancel_request: request })
    .where(eq(tasks.id, found.id))
    .returning();
  const task = toTask(only(rows));
  if (task.status !== 'PENDING') return { kind: 'requested', task };
  const ended = await endTask(tx, task, {
    end: cancelledEnd(request.reason),
    log: [],
    at: request.at,
  });
  return { kind: 'ended', task: ended.task, next: null };
}
