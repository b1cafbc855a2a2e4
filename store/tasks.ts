import { and, eq, inArray, isNull, or, sql, type SQL } from 'drizzle-orm';
import type { TaskRecord, TaskStatus } from '../contract/task.ts';
import { builtOnce } from './built-once.ts';
import type { Queries } from './database.ts';
import { isAwaited } from './parent-news.ts';
import { toTask } from './rows.ts';
import { idempotencyKeys, taskSegments } from './schema.ts';
import { StoreRefusal } from './refusal.ts';
import { tasks } from './task-table.ts';

/** Of a task that has not ended. */
export const ACTIVE: TaskStatus[] = ['PENDING', 'RUNNING'];

const isTask = eq(tasks.id, sql.placeholder('id'));
const isOwnTask = and(isTask, eq(tasks.owner, sql.placeholder('owner')));
const findTask = builtOnce((db) => db.select().from(tasks).where(isTask).prepare(''));
const findOwnTask = builtOnce((db) => db.select().from(tasks).where(isOwnTask).prepare(''));

/** `Store.getTask` */
export async function getTask(db: Queries, id: string, owner?: string): Promise<TaskRecord | null> {
  const [row] =
    owner === undefined
      ? await findTask(db).execute({ id })
      : await findOwnTask(db).execute({ id, owner });
  return row ? toTask(row) : null;
}

/** The task, its row locked until the transaction ends. */
export async function lockTask(
  tx: Queries,
  id: string,
  owner?: string,
): Promise<TaskRecord | null> {
  const [row] = await tx.select().from(tasks).where(taskOf(id, owner)).for('update');
  return row ? toTask(row) : null;
}

/** `Store.beginTask` */
export async function beginTask(
  db: Queries,
  id: string,
  runId: string,
): Promise<TaskRecord | null> {
  const now = new Date().toISOString();
  const [row] = await db
    .update(tasks)
    .set({
      status: 'RUNNING',
      run_id: runId,
      started_at: sql`coalesce(${tasks.started_at}, ${now})`,
      checked_at: now,
    })
    .where(and(eq(tasks.id, id), inArray(tasks.status, ACTIVE), isNull(tasks.queued)))
    .returning();
  return row ? toTask(row) : null;
}

/** `Store.deleteTask` */
export async function deleteTask(tx: Queries, id: string, owner: string): Promise<boolean> {
  if (!(await lockTask(tx, id, owner))) return false;
  if (await isAnyUndone(tx, eq(tasks.id, id))) {
    throw new StoreRefusal(
      'task_not_terminal',
      'the task has not ended, or a cancel of its tree or the news of its end to its parent is under way',
    );
  }
  await forgetTasks(tx, eq(tasks.id, id));
  return true;
}

/** Tasks that one statement removes: it names each of them. */
const MAX_NAMED = 1_000;

/**
 * Removes tasks with their logs and idempotency keys. Their ids. Which they are is asked once, under their locks: from one statement
 * to the next a task may have become one that can be forgotten, or be one no more.
 */
export async function forgetTasks(tx: Queries, which: SQL): Promise<string[]> {
  const rows = await tx
    .select({ id: tasks.id })
    .from(tasks)
    .where(which)
    .orderBy(tasks.number)
    .for('update');
  const ids = rows.map(({ id }) => id);
  for (let from = 0; from < ids.length; from += MAX_NAMED) {
    const named = ids.slice(from, from + MAX_NAMED);
    await tx.delete(taskSegments).where(inArray(taskSegments.task_id, named));
    await tx.delete(idempotencyKeys).where(inArray(idempotencyKeys.task_id, named));
    await tx.delete(tasks).where(inArray(tasks.id, named));
  }
  return ids;
}

/** Whether one of the tasks cannot be forgotten yet: it is PENDING or RUNNING, has a cancel for tasks below it, or its parent waits for news. */
export async function isAnyUndone(db: Queries, which: SQL): Promise<boolean> {
  const undone = or(inArray(tasks.status, ACTIVE), eq(tasks.tree_cancel_due, true), isAwaited(db));
  const rows = await db.select({ id: tasks.id }).from(tasks).where(and(which, undone)).limit(1);
  return rows.length > 0;
}

function taskOf(id: string, owner: string | undefined): SQL | undefined {
  return and(eq(tasks.id, id), owner === undefined ? undefined : eq(tasks.owner, owner));
}
