import type { TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { taskNotFound } from './errors.ts';
import { isTaskId } from './ids.ts';

export interface TaskReference {
  id: string;
  owner: string;
  /** Where it is given, it must be the task's own: a task without one is absent too. */
  conversationId?: string | undefined;
}

/** The owner's task. Throws `task_not_found`. */
export async function ownTask(store: Store, reference: TaskReference): Promise<TaskRecord> {
  const { id, owner, conversationId } = reference;
  const task = isTaskId(id) ? await store.getTask(id, owner) : null;
  if (!task) throw taskNotFound();
  if (conversationId !== undefined && task.conversation_id !== conversationId) throw taskNotFound();
  return task;
}
