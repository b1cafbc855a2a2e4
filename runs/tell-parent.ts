import { CHILD_END_SIGNAL, childEnd } from '../contract/children.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { RunsDeps } from './dependencies.ts';

/**
 * Tells the run of a task's parent how the task has ended, by its workflow id, so that the run that goes on after
 * continue-as-new hears it too. A parent that has ended hears nothing any more. Throws where Temporal or the store cannot be
 * reached: the reconciler tells it again, and what is told twice counts once.
 */
export async function tellParent({ store, runs }: RunsDeps, task: TaskRecord): Promise<void> {
  if (!task.parent || !isTerminal(task.status)) return;
  const { task_id: taskId } = task.parent;
  if (!(await runs.signal({ taskId }, CHILD_END_SIGNAL, childEnd(task)))) {
    const above = await store.getTask(taskId);
    // Its run has not begun: it will be told then.
    if (above && !isTerminal(above.status)) return;
  }
  await store.markParentTold(task.id);
}
