import type { TaskRecord } from '../contract/task.ts';
import type { Task } from '../contract/wire.ts';
import type { AppDependencies } from './dependencies.ts';
import { taskView } from './task-view.ts';

/** The task with what it is doing, where it is doing something. Costs a question to its run: one task at a time. */
export async function currentView(
  task: TaskRecord,
  { tasks, config }: Pick<AppDependencies, 'tasks' | 'config'>,
): Promise<Task> {
  const live = task.status === 'RUNNING' ? await tasks.live(task) : null;
  return taskView(task, config, live);
}
