import { isTerminal, type CancelRequest, type TaskRecord } from '../../contract/task.ts';
import type { Receipt } from '../../contract/wire.ts';
import { spreadTreeCancel } from '../../store/spread-tree-cancel.ts';
import type { CancelResult } from '../../store/store.ts';
import type { TreeCancel } from '../../store/tree-store.ts';
import { taskNotFound } from '../errors.ts';
import type { TasksDeps } from './dependencies.ts';
import { waitForEnd } from './wait-for-end.ts';

export interface CancelOrder {
  id: string;
  owner: string;
  by: string | null;
  reason: string | null;
  /** The task alone, or with all that is below it. */
  scope: 'task' | 'tree';
  /** Longest wait for the end of all that it concerns, in milliseconds. */
  waitMs: number;
}

/**
 * Records the cancel in the row, where it counts from then on; then stops the run, and waits for its end. With Temporal out of
 * reach the receipt says `cancelling`, and the reconciler sends the cancel again. Of a tree the root's row comes first:
 * from then on nothing is started below it. Throws `ApiError` `task_not_found`.
 */
export async function cancelTask(deps: TasksDeps, order: CancelOrder): Promise<Receipt> {
  const { id, owner, by, reason, scope } = order;
  const deadline = Date.now() + order.waitMs;
  const request = { at: new Date().toISOString(), by, reason };
  const root = await record(deps, scope, { id, owner, request });
  if (!root) throw taskNotFound();
  const [own, children] = await Promise.all([
    carryOut(deps, root.result, deadline),
    root.goesOn ? cancelBelow(deps, { id, owner, request }, deadline) : [],
  ]);
  return { ...own, outcome: outcomeOf([own, ...children]), children };
}

async function record(
  { store }: TasksDeps,
  scope: CancelOrder['scope'],
  { id, owner, request }: { id: string; owner: string; request: CancelRequest },
): Promise<{ result: CancelResult; goesOn: boolean } | null> {
  if (scope === 'tree') {
    const result = await store.requestTreeCancel(id, owner, request);
    return result && { result, goesOn: result.goesOn };
  }
  const result = await store.requestCancel(id, owner, request);
  return result && { result, goesOn: false };
}

async function cancelBelow(
  deps: TasksDeps,
  cancel: TreeCancel,
  deadline: number,
): Promise<Receipt[]> {
  const results = await spreadTreeCancel(deps.store, cancel);
  return Promise.all(results.map((result) => carryOut(deps, endedByIt(result), deadline)));
}

/** The reconciler may have recorded the same cancel a moment earlier. */
function endedByIt(result: CancelResult): CancelResult {
  const { kind, task } = result;
  return kind === 'already_terminal' && task.cancel_request ? { kind: 'ended', task } : result;
}

/** Tells Temporal of a recorded cancel, and waits for its end. */
async function carryOut(
  deps: TasksDeps,
  { kind, task }: CancelResult,
  deadline: number,
): Promise<Receipt> {
  if (kind === 'already_terminal') return receiptOf(task, 'already_terminal');
  const { id, owner } = task;
  if (kind === 'ended') {
    deps.relay.publish(id, { kind: 'end' });
    await sendCancel(deps, id);
    return receiptOf(task, 'cancelled');
  }
  const isSent = await sendCancel(deps, id);
  const waitMs = Math.max(deadline - Date.now(), 0);
  const ended = isSent && (await waitForEnd(deps.hubs, task, waitMs));
  const current = (await deps.store.getTask(id, owner)) ?? task;
  return receiptOf(current, ended || isTerminal(current.status) ? 'cancelled' : 'cancelling');
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

/** Of all that a cancel concerns: what is still to be waited for counts most, and an end before the cancel least. */
function outcomeOf(receipts: readonly Receipt[]): Receipt['outcome'] {
  const outcomes = receipts.map(({ outcome }) => outcome);
  if (outcomes.includes('cancelling')) return 'cancelling';
  return outcomes.includes('cancelled') ? 'cancelled' : 'already_terminal';
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
