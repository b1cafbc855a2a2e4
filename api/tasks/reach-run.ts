import type { LogPlace } from '../../contract/run-messages.ts';
import { isTerminal, type TaskRecord, type TaskStatus } from '../../contract/task.ts';
import type { Updated } from '../../runs/run-updates.ts';
import { ApiError } from '../errors.ts';
import type { TasksDeps } from './dependencies.ts';
import { waitForEnd } from './wait-for-end.ts';

/** A run that takes nothing any more is about to be stored as ended, in milliseconds. */
const END_MS = 2_000;

interface Sending {
  send: () => Promise<Updated>;
  /** It may have been taken before; then it is taken again, also by a run that has ended since. */
  repeats?: boolean;
}

/**
 * Sends something to a task's run. Throws `ApiError`: `task_terminated`, what the run itself refuses it with, and
 * `no_worker` where nobody has answered, or the run has not begun.
 */
export async function reachRun(
  deps: Pick<TasksDeps, 'store' | 'hubs'>,
  task: TaskRecord,
  { send, repeats = false }: Sending,
): Promise<LogPlace> {
  if (isTerminal(task.status) && !repeats) throw taskTerminated(task.status);
  const updated = await send();
  if (updated.kind === 'taken') return updated.place;
  if (updated.kind === 'unanswered') throw noWorker(isTerminal(task.status) ? UNKNOWN : UNANSWERED);
  if (updated.kind === 'refused' && updated.code !== 'task_terminated')
    throw new ApiError(updated.code, updated.message);
  const { status } = await recordAfterEnd(deps, task);
  if (updated.kind === 'refused' || isTerminal(status)) throw taskTerminated(status);
  throw noWorker(NOT_BEGUN);
}

const UNANSWERED =
  'No worker has answered in time. It may still arrive: try again under the same Idempotency-Key.';
const UNKNOWN =
  'The task has ended, and Temporal does not tell whether it had taken this: try again under the same Idempotency-Key.';
const NOT_BEGUN = 'The run has not begun yet; try again.';

function noWorker(message: string): ApiError {
  return new ApiError('no_worker', message);
}

function taskTerminated(status: TaskStatus): ApiError {
  return new ApiError('task_terminated', 'The task has ended.', { status });
}

async function recordAfterEnd(
  { store, hubs }: Pick<TasksDeps, 'store' | 'hubs'>,
  task: TaskRecord,
): Promise<TaskRecord> {
  if (task.status === 'RUNNING') await waitForEnd(hubs, task, END_MS);
  return (await store.getTask(task.id)) ?? task;
}
