import type { TaskRecord } from '../contract/task.ts';
import { epochNamed, isChosenId, isTaskId } from '../contract/task-id.ts';
import type { Store } from '../store/store.ts';
import { taskNotFound } from './errors.ts';

export interface TaskReference {
  /** As the caller says it. */
  id: string;
  owner: string;
  /** Where it is given, it must be the task's own: a task without one is absent too. */
  conversationId?: string | undefined;
}

/** The owner's task. Throws `task_not_found`. */
export async function ownTask(store: Store, reference: TaskReference): Promise<TaskRecord> {
  const { id, owner, conversationId } = reference;
  const task = isTaskId(id) ? await store.getTask(await recordId(store, id), owner) : null;
  if (!task) throw taskNotFound();
  if (conversationId !== undefined && task.conversation_id !== conversationId) throw taskNotFound();
  return task;
}

/** `TaskRecord.id` of the task that a caller means, where there is one: of an id that was chosen, the newest epoch's. */
export async function recordId(store: Pick<Store, 'newestEpoch'>, id: string): Promise<string> {
  return (isChosenId(id) && (await store.newestEpoch(id))) || epochNamed(id);
}
