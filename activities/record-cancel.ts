import type { Store } from '../store/store.ts';
import type { TreeCancel } from '../store/tree-store.ts';
import type { FinishInput } from './types.ts';

/**
 * Records the cancel of a run that has come past the API, from Temporal's Web UI or CLI, as the API's own by default: for the task and
 * all that is below it. Null: the run was not cancelled, or the record knows, or nothing goes on below.
 */
export async function recordCancel(
  store: Store,
  { taskId, end }: FinishInput,
): Promise<TreeCancel | null> {
  if (end.status !== 'FAILED' || end.code !== 'cancelled') return null;
  const task = await store.getTask(taskId);
  if (task?.status !== 'RUNNING' || task.cancel_request) return null;
  const { owner } = task;
  const request = { at: new Date().toISOString(), by: null, reason: null };
  const recorded = await store.requestTreeCancel(taskId, owner, request);
  return recorded?.goesOn ? { id: taskId, owner, request } : null;
}
