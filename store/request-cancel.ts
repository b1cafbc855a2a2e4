import { eq } from 'drizzle-orm';
import { isTerminal, type CancelRequest } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { endTask } from './finish-task.ts';
import { only, toTask } from './rows.ts';
import { tasks } from './schema.ts';
import type { CancelResult } from './store.ts';
import { lockTask } from './tasks.ts';
import { cancelledEnd } from './terminal-event.ts';

/** `Store.requestCancel` */
export async function requestCancel(
  tx: Queries,
  { id, owner }: { id: string; owner: string },
  request: CancelRequest,
): Promise<CancelResult | null> {
  const found = await lockTask(tx, id, owner);
  if (!found) return null;
  if (isTerminal(found.status)) return { kind: 'already_terminal', task: found };
  if (found.cancel_request) return { kind: 'requested', task: found };
  const rows = await tx
    .update(tasks)
    .set({ cancel_request: request })
    .where(eq(tasks.id, id))
    .returning();
  const task = toTask(only(rows));
  if (task.status !== 'PENDING') return { kind: 'requested', task };
  const ended = await endTask(tx, task, {
    end: cancelledEnd(request.reason),
    log: [],
    at: request.at,
  });
  return { kind: 'ended', task: ended.task };
}
