import pLimit from 'p-limit';
import { isTerminal, type CancelRequest, type TaskRecord } from '../../contract/task.ts';
import { publicId } from '../../contract/task-id.ts';
import type { Receipt } from '../../contract/wire.ts';
import { spreadTreeCancel } from '../../store/spread-tree-cancel.ts';
import type { CancelResult } from '../../store/store.ts';
import type { TreeCancel } from '../../store/tree-store.ts';
import { conversationNotFound, taskNotFound } from '../errors.ts';
import type { CancelAsked } from '../ports.ts';
import type { TasksDeps } from './dependencies.ts';
import { waitForEnd } from './wait-for-end.ts';

/** `id`: of the task, or of the conversation. */
export type CancelOrder = CancelAsked & { id: string; owner: string };

export interface Canceller {
  /**
   * Records the cancel in the row, where it counts from then on; then stops the run, and waits for its end. With Temporal out
   * of reach the receipt says `cancelling`, and the reconciler sends the cancel again. Of a tree the root's row comes first:
   * from then on nothing is started below it. Throws `ApiError` `task_not_found`.
   */
  cancelTask(order: CancelOrder & { scope: Scope }): Promise<Receipt>;
  /** The same for all that has not ended in a conversation. Throws `ApiError` `conversation_not_found`. */
  cancelConversation(order: CancelOrder): Promise<Receipt[]>;
  /** Stops the run of a task whose cancel is recorded, and of all that is below it. */
  stop(task: TaskRecord): Promise<void>;
}

type Scope = 'task' | 'tree';

export interface CancellerOptions {
  /** Starts a task that has its turn by a cancel. */
  begin(task: TaskRecord): void;
}

/** Runs of one conversation that are stopped at once. */
const MAX_STOPS = 32;

export function createCanceller(deps: TasksDeps, { begin }: CancellerOptions): Canceller {
  const { store, metrics } = deps;

  async function record(
    scope: Scope,
    { id, owner, request }: TreeCancel,
  ): Promise<{ result: CancelResult; goesOn: boolean } | null> {
    if (scope === 'tree') {
      const result = await store.requestTreeCancel(id, owner, request);
      return result && { result, goesOn: result.goesOn };
    }
    const result = await store.requestCancel(id, owner, request);
    return result && { result, goesOn: false };
  }

  async function cancelBelow(cancel: TreeCancel, deadline: number): Promise<Receipt[]> {
    const results = await spreadTreeCancel(store, cancel);
    return Promise.all(results.map((result) => carryOut(endedByIt(result), deadline)));
  }

  async function stop({ id, status }: TaskRecord): Promise<boolean> {
    if (isTerminal(status)) deps.relay.publish(id, { kind: 'end' });
    return sendCancel(deps, id);
  }

  /** Tells Temporal of a recorded cancel, and waits for its end. */
  async function carryOut(result: CancelResult, deadline: number): Promise<Receipt> {
    const { kind, task } = result;
    if (kind === 'already_terminal') return receiptOf(task, kind);
    if (kind === 'ended' && result.next) begin(result.next);
    const isSent = await stop(task);
    if (kind === 'ended') return receiptOf(task, 'cancelled');
    const waitMs = Math.max(deadline - Date.now(), 0);
    const ended = isSent && (await waitForEnd(deps.hubs, task, waitMs));
    const current = (await store.getTask(task.id, task.owner)) ?? task;
    return receiptOf(current, ended || isTerminal(current.status) ? 'cancelled' : 'cancelling');
  }

  return {
    async cancelTask({ id, owner, scope, ...order }) {
      const deadline = Date.now() + order.waitMs;
      const cancel = { id, owner, request: requestOf(order) };
      const root = await record(scope, cancel);
      if (!root) throw taskNotFound();
      const [own, children] = await Promise.all([
        carryOut(root.result, deadline),
        root.goesOn ? cancelBelow(cancel, deadline) : [],
      ]);
      const outcome = outcomeOf([own, ...children]);
      metrics.cancelRequests.inc({ outcome });
      return { ...own, outcome, children };
    },
    async cancelConversation({ id, owner, ...order }) {
      const deadline = Date.now() + order.waitMs;
      const results = await store.cancelConversation(id, owner, requestOf(order));
      if (!results) throw conversationNotFound();
      const receipts = await pLimit(MAX_STOPS).map(results, (result) => carryOut(result, deadline));
      for (const { outcome } of receipts) metrics.cancelRequests.inc({ outcome });
      return receipts;
    },
    async stop(task) {
      const { id, owner, cancel_request: request } = task;
      const below = request && cancelBelow({ id, owner, request }, Date.now());
      await Promise.all([stop(task), below]);
    },
  };
}

function requestOf({ by, reason }: CancelAsked): CancelRequest {
  return { at: new Date().toISOString(), by, reason };
}

/** The reconciler may have recorded the same cancel a moment earlier. */
function endedByIt(result: CancelResult): CancelResult {
  const { kind, task } = result;
  return kind === 'already_terminal' && task.cancel_request
    ? { kind: 'ended', task, next: null }
    : result;
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
    task_id: publicId(id),
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
