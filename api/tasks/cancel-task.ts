import pLimit from 'p-limit';
import { isTerminal, type CancelRequest, type TaskRecord } from '../../contract/task.ts';
import { publicId } from '../../contract/task-id.ts';
import type { Receipt } from '../../contract/wire.ts';
import { carryOut, type SentCancel } from '../../runs/cancel-run.ts';
import { cancelBelow, cancelTree } from '../../runs/cancel-tree.ts';
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
   * of reach the receipt says `cancelling`, and the reconciler sends the cancel again. Throws `ApiError` `task_not_found`.
   */
  cancelTask(order: CancelOrder & { scope: Scope }): Promise<Receipt>;
  /** The same for all that has not ended in a conversation. Throws `ApiError` `conversation_not_found`. */
  cancelConversation(order: CancelOrder): Promise<Receipt[]>;
  /** Carries out a recorded cancel that counts for all below the task too. */
  stop(result: CancelResult): Promise<void>;
}

type Scope = 'task' | 'tree';

/** Runs of one conversation that are stopped at once. */
const MAX_STOPS = 32;

export function createCanceller(deps: TasksDeps): Canceller {
  const { store, metrics } = deps;

  /** The cancel of the task itself, then those of the tasks below it. */
  async function send(
    scope: Scope,
    cancel: TreeCancel,
  ): Promise<[SentCancel, ...SentCancel[]] | null> {
    if (scope === 'tree') return cancelTree(deps, cancel);
    const result = await store.requestCancel(cancel.id, cancel.owner, cancel.request);
    return result && [await carryOut(deps, result)];
  }

  /** Waits for the end of a task that was cancelled. */
  async function receiptFor(sent: SentCancel, deadline: number): Promise<Receipt> {
    const { kind, task, isSent } = sent;
    if (kind === 'already_terminal') return receiptOf(task, kind);
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
      const sent = await send(scope, cancel);
      if (!sent) throw taskNotFound();
      const [root, ...below] = sent;
      const [own, ...children] = await Promise.all([
        receiptFor(root, deadline),
        ...below.map((one) => receiptFor(endedByIt(one), deadline)),
      ]);
      const outcome = outcomeOf([own, ...children]);
      metrics.cancelRequests.inc({ outcome });
      return { ...own, outcome, children };
    },
    async cancelConversation({ id, owner, ...order }) {
      const deadline = Date.now() + order.waitMs;
      const results = await store.cancelConversation(id, owner, requestOf(order));
      if (!results) throw conversationNotFound();
      // All are stopped before the end of one is waited for: a tool that is slow to stop holds up no other.
      const sent = await pLimit(MAX_STOPS).map(results, (result) => carryOut(deps, result));
      const receipts = await Promise.all(sent.map((one) => receiptFor(one, deadline)));
      for (const { outcome } of receipts) metrics.cancelRequests.inc({ outcome });
      return receipts;
    },
    async stop(result) {
      const { id, owner, cancel_request: request } = result.task;
      const below = request && cancelBelow(deps, { id, owner, request });
      await Promise.all([carryOut(deps, result), below]);
    },
  };
}

function requestOf({ by, reason }: CancelAsked): CancelRequest {
  return { at: new Date().toISOString(), by, reason };
}

/** The reconciler may have recorded the same cancel a moment earlier. */
function endedByIt(sent: SentCancel): SentCancel {
  const { kind, task, isSent } = sent;
  return kind === 'already_terminal' && task.cancel_request
    ? { kind: 'ended', task, next: null, isSent }
    : sent;
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
