import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { Receipt } from '../../contract/wire.ts';
import { taskNotFound } from '../errors.ts';
import type { TasksDeps } from './dependencies.ts';
import { waitForEnd } from './wait-for-end.ts';

export interface CancelOrder {
  id: string;
  owner: string;
  by: string | null;
  reason: string | null;
  /** Longest wait for the end, in milliseconds. */
  waitMs: number;
}

/**
 * Records the cancel in the row, where it counts from then on; then stops the run, and waits for its end. With Temporal out of
 * reach the receipt says `cancelling`, and the reconciler sends the cancel again. Throws `ApiError` `task_not_found`.
 */
export async function cancelTask(deps: TasksDeps, order: CancelOrder): Promise<Receipt> {
  const { store } = deps;
  const { id, owner, by, reason, waitMs } = order;
  const result = await store.requestCancel(id, owner, { at: new Date().toISOString(), by, reason });
  if (!result) throw taskNotFound();
  if (result.kind === 'already_terminal') return receiptOf(result.task, 'already_terminal');
  if (result.kind === 'ended') {
    deps.relay.publish(id, { kind: 'end' });
    await sendCancel(deps, id);
    return receiptOf(result.task, 'cancelled');
  }
  const ended = (await sendCancel(deps, id)) && (await waitForEnd(deps.hubs, result.task, waitMs));
  const task = (await store.getTask(id, owner)) ?? result.task;
  return receiptOf(task, ended || isTerminal(task.status) ? 'cancelled' : 'cancelling');
}

/** The bell rings only after Temporal has accepted the cancel, so that history shows the request before the clean-up. */
async function sendCancel({ store, runs, relay }: TasksDeps, id: string): Promise<boolean> {
  try {
    await runs.cancel(id);
  } catch {
    return false;
  }
  relay.publish(id, { kind: 'cancel' });
  await store.markCancelSent(id);
  return true;
}

function receiptOf(task: TaskRecord, outcome: Receipt['outcome']): Receipt {
  const { id, status, cancel_request, finished_at, last_seq, partial_output, usage } = task;
  const requestedAt = cancel_request?.at ?? null;
  const latency =
    requestedAt && finished_at ? Date.parse(finished_at) - Date.parse(requestedAt) : null;
  return {
    task_id: id,
    outcome,
    status,
    requested_at: requestedAt,
    stopped_at: finished_at,
    stop_latency_ms: latency === null ? null : Math.max(latency, 0),
    last_seq,
    partial_output,
    usage,
    children: [],
  };
}
