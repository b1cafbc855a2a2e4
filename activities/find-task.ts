import type { TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';

/** Whose relatives are looked for. */
export interface Relatives {
  store: Store;
  own: TaskRecord;
}

/**
 * A task of the same tree by its id, by its name while it runs, or as `parent`. Throws where there is none: a task of another
 * tree is told from an absent one by nobody.
 */
export async function findTask({ store, own }: Relatives, task: string): Promise<TaskRecord> {
  if (task === 'parent') {
    const parent = own.parent && (await store.getTask(own.parent.task_id, own.owner));
    if (!parent) throw new Error('You have no parent: nobody has started you but a caller.');
    return parent;
  }
  const found = (await store.getTask(task, own.owner)) ?? (await byName(store, own, task));
  if (found && rootOf(found) === rootOf(own) && found.id !== own.id) return found;
  throw new Error(
    `There is no task "${task.slice(0, 80)}" among those below, beside or above you. Use a task_id, or the name of a task that runs.`,
  );
}

async function byName(store: Store, own: TaskRecord, name: string): Promise<TaskRecord | null> {
  const filter = { owner: own.owner, name, status: ['PENDING', 'RUNNING'] as const };
  const { data } = await store.listTasks(filter, { limit: 100, order: 'desc' });
  return data.find((task) => rootOf(task) === rootOf(own)) ?? null;
}

function rootOf({ id, ancestors }: TaskRecord): string {
  return ancestors[0] ?? id;
}
