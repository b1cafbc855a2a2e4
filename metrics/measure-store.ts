import type { TaskRecord } from '../contract/task.ts';
import { StoreUnavailable, TaskAbsent } from '../store/errors.ts';
import { StoreRefusal } from '../store/refusal.ts';
import { BadPageCursor, type CancelResult, type Store } from '../store/store.ts';
import type { Metrics } from './create-metrics.ts';

/** The store, with what happens to tasks counted once it is committed, and the calls that fail. */
export function measureStore(store: Store, metrics: Metrics): Store {
  const counted = countingErrors(store, metrics);
  const note = <Result extends CancelResult | null>(result: Result): Result => {
    if (result?.kind === 'ended') noteEnd(result.task, metrics);
    return result;
  };
  return {
    ...counted,
    async acceptTask(task, key) {
      const accepted = await counted.acceptTask(task, key);
      if (accepted?.created) metrics.tasksAccepted.inc();
      accepted?.interrupted.forEach(note);
      return accepted;
    },
    async beginTask(id, runId) {
      const begun = await counted.beginTask(id, runId);
      if (begun) metrics.tasksStarted.inc();
      return begun;
    },
    async finishTask(request) {
      const finished = await counted.finishTask(request);
      if (finished.won) noteEnd(finished.task, metrics);
      return finished;
    },
    requestCancel: async (id, owner, request) =>
      note(await counted.requestCancel(id, owner, request)),
    requestTreeCancel: async (id, owner, request) =>
      note(await counted.requestTreeCancel(id, owner, request)),
    async cancelConversation(id, owner, request) {
      const results = await counted.cancelConversation(id, owner, request);
      results?.forEach(note);
      return results;
    },
  };
}

/** What the record refuses, and what is not there, is an answer. */
const ANSWERS = [StoreRefusal, BadPageCursor, TaskAbsent];

function countingErrors(store: Store, { storeErrors }: Metrics): Store {
  const count = (error: unknown) => {
    if (ANSWERS.some((answer) => error instanceof answer)) return;
    storeErrors.inc({ reason: error instanceof StoreUnavailable ? 'unavailable' : 'failed' });
  };
  const methods = Object.entries(store) as [string, (...args: unknown[]) => Promise<unknown>][];
  const counting = methods.map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await method(...args);
      } catch (error) {
        count(error);
        throw error;
      }
    },
  ]);
  return { ...store, ...Object.fromEntries(counting) };
}

function noteEnd(task: TaskRecord, { tasksEnded, stopLatency }: Metrics): void {
  const { failure, cancel_request, started_at, finished_at } = task;
  tasksEnded.inc({ outcome: failure?.code ?? 'completed' });
  // What has not begun is ended by the cancel itself.
  if (failure?.code !== 'cancelled' || !cancel_request || !started_at || !finished_at) return;
  // Two machines may not agree on the time.
  const latencyMs = Math.max(Date.parse(finished_at) - Date.parse(cancel_request.at), 0);
  stopLatency.observe(latencyMs / 1_000);
}
