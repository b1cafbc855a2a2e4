import type { TaskRecord } from '../contract/task.ts';
import type { RunsDeps } from './dependencies.ts';

/**
 * Starts the task's workflow, or joins it where it is open. False: it has closed, and is never started again. Throws where
 * Temporal or the store cannot be reached: the task stays PENDING, and the reconciler starts it.
 */
export async function startRun({ store, runs }: RunsDeps, task: TaskRecord): Promise<boolean> {
  const isStarted = await runs.start(task);
  if (isStarted) await store.markStarted(task.id);
  return isStarted;
}
