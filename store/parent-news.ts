import { and, asc, eq, inArray, isNotNull, isNull, lte } from 'drizzle-orm';
import type { TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { toTask } from './rows.ts';
import { tasks } from './task-table.ts';

/** `TreeStore.markParentTold` */
export async function markParentTold(db: Queries, id: string): Promise<void> {
  await db.update(tasks).set({ parent_told_at: now() }).where(eq(tasks.id, id));
}

/** `TreeStore.dueParentNews`. An end that is told twice counts once, so nothing is marked. */
export async function dueParentNews(
  db: Queries,
  olderThanMs: number,
  limit: number,
): Promise<TaskRecord[]> {
  const rows = await db
    .select()
    .from(tasks)
    .where(
      and(
        isNotNull(tasks.parent_task_id),
        isNull(tasks.parent_told_at),
        lte(tasks.finished_at, new Date(Date.now() - olderThanMs).toISOString()),
      ),
    )
    .orderBy(asc(tasks.number))
    .limit(limit);
  return rows.map(toTask);
}

/** The ends of these children were read by the run of their parent. */
export async function markTaken(
  tx: Queries,
  parentId: string,
  taken: readonly string[] = [],
): Promise<void> {
  if (taken.length === 0) return;
  await tx
    .update(tasks)
    .set({ taken_at: now() })
    .where(and(inArray(tasks.id, [...taken]), eq(tasks.parent_task_id, parentId)));
}

function now(): string {
  return new Date().toISOString();
}
