import { eq, sql } from 'drizzle-orm';
import { epochId, isChosenId, publicId } from '../contract/task-id.ts';
import type { Queries } from './database.ts';
import { StoreRefusal } from './refusal.ts';
import { chosenIds } from './schema.ts';
import type { Start } from './starts.ts';

/** `Store.newestEpoch` */
export async function newestEpoch(db: Queries, chosenId: string): Promise<string | null> {
  const [row] = await db
    .select({ task_id: chosenIds.task_id })
    .from(chosenIds)
    .where(eq(chosenIds.id, chosenId));
  return row?.task_id ?? null;
}

/** The start as the next epoch of the id that was chosen for it. `newest`: the last one, where there was one. */
export function inNextEpoch(start: Start, newest: number | null): Start {
  const { task } = start;
  if (!isChosenId(task.id)) return start;
  const epoch = (newest ?? 0) + 1;
  return { ...start, epoch, task: { ...task, id: epochId(task.id, epoch) } };
}

/** Says the same whoever has the id. */
export function idTaken(): StoreRefusal {
  return new StoreRefusal(
    'task_exists',
    'the id is in use: its task has not ended, or it is not yours',
  );
}

/**
 * Keeps the epochs of starts that were checked. Under the owner's lock nobody takes them but another owner, to whom an id
 * goes that nobody had: then throws `StoreRefusal` `task_exists`. In the order of ids, so that two owners who take the same
 * ones do not wait for each other.
 */
export async function takeEpochs(tx: Queries, starts: readonly Start[]): Promise<void> {
  const taken = starts
    .flatMap(({ task: { id: task_id, owner }, epoch }) =>
      epoch === undefined ? [] : [{ id: publicId(task_id), owner, epoch, task_id }],
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (taken.length === 0) return;
  const rows = await tx
    .insert(chosenIds)
    .values(taken)
    .onConflictDoUpdate({
      target: chosenIds.id,
      set: { epoch: sql`excluded.epoch`, task_id: sql`excluded.task_id` },
      setWhere: sql`${chosenIds.owner} = excluded.owner`,
    })
    .returning({ id: chosenIds.id });
  if (rows.length < taken.length) throw idTaken();
}
