import type { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { CHILD_END_SIGNAL, childEnd } from '../contract/children.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { callTemporal } from './call-temporal.ts';

/**
 * Tells the run of a task's parent how the task has ended, by its workflow id, so that the run that goes on after
 * continue-as-new hears it too. A parent that has ended hears nothing any more. Throws where Temporal or the store cannot be
 * reached: the reconciler tells it again, and what is told twice counts once.
 */
export async function tellParent(
  store: Store,
  { client }: Context,
  task: TaskRecord,
): Promise<void> {
  if (!task.parent || !isTerminal(task.status)) return;
  const parent = client.workflow.getHandle(task.parent.task_id);
  try {
    await callTemporal(client, () => parent.signal(CHILD_END_SIGNAL, childEnd(task)));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const above = await store.getTask(task.parent.task_id);
    // Its run has not begun: it will be told then.
    if (above && !isTerminal(above.status)) return;
  }
  await store.markParentTold(task.id);
}
