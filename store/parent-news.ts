import { and, eq, exists, inArray, isNotNull, isNull, type SQL } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { childrenRead } from '../contract/children-read.ts';
import type { LogEvent } from '../contract/events.ts';
import type { TaskStatus } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { tasks } from './task-table.ts';

const parent = alias(tasks, 'parent');

/** It has a parent whose run is not known to be told of its end. */
export const UNTOLD = and(isNotNull(tasks.parent_task_id), isNull(tasks.parent_told_at))!;

/** The run of its parent goes on, and may be waiting for its end. */
export function isAwaited(db: Queries): SQL {
  return and(UNTOLD, hasParent(db, 'RUNNING'))!;
}

export function hasParent(db: Queries, status: TaskStatus): SQL {
  const isParent = and(eq(parent.id, tasks.parent_task_id), eq(parent.status, status));
  return exists(db.select({ id: parent.id }).from(parent).where(isParent));
}

/** `TreeStore.markParentTold` */
export async function markParentTold(db: Queries, id: string): Promise<void> {
  await db.update(tasks).set({ parent_told_at: now() }).where(eq(tasks.id, id));
}

/** The ends of children that their parent's run has read, by its whole log, are no results of a conversation from now on. */
export async function markTaken(
  tx: Queries,
  parentId: string,
  log: readonly LogEvent[],
): Promise<void> {
  const read = childrenRead(log);
  if (read.length === 0) return;
  await tx
    .update(tasks)
    .set({ taken_at: now() })
    .where(and(inArray(tasks.id, read), eq(tasks.parent_task_id, parentId)));
}

function now(): string {
  return new Date().toISOString();
}
