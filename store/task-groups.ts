import { and, asc, desc, eq, gt, inArray, lte, or, sql, type SQL } from 'drizzle-orm';
import type { Queries } from './database.ts';
import { toTask } from './rows.ts';
import type { NumberedTask, TaskGroup } from './store.ts';
import { tasks } from './task-table.ts';
import { ACTIVE } from './tasks.ts';

/** `Store.groupTasks` */
export async function groupTasks(
  db: Queries,
  group: TaskGroup,
  numbers: readonly number[],
): Promise<NumberedTask[]> {
  if (numbers.length === 0) return [];
  return select(db, and(inGroup(group), inArray(tasks.number, [...numbers])), numbers.length);
}

/** `Store.groupTasksBehind` */
export function groupTasksBehind(
  db: Queries,
  group: TaskGroup,
  { after, limit }: { after: number; limit: number },
): Promise<NumberedTask[]> {
  return select(db, and(inGroup(group), gt(tasks.number, after)), limit);
}

/** `Store.groupNow`. The newest number is read first: what is accepted meanwhile is behind it. */
export async function groupNow(
  tx: Queries,
  group: TaskGroup,
  limit: number,
): Promise<{ newest: number; active: NumberedTask[] }> {
  const [newest] = await tx
    .select({ number: tasks.number })
    .from(tasks)
    .where(inGroup(group))
    .orderBy(desc(tasks.number))
    .limit(1);
  if (!newest) return { newest: 0, active: [] };
  // Each status has an index of its own.
  const isActive = or(...ACTIVE.map((status) => eq(tasks.status, status)));
  const which = and(inGroup(group), lte(tasks.number, newest.number), isActive);
  return { newest: newest.number, active: await select(tx, which, limit) };
}

/** `Store.lastNumber`: numbers that were given out count too, whatever became of their tasks. */
export async function lastNumber(db: Queries): Promise<number> {
  const last = sql`last_value`.mapWith(Number);
  const [row] = await db.select({ last }).from(sql`tasks_number_seq`);
  return row?.last ?? 0;
}

async function select(db: Queries, which: SQL | undefined, limit: number): Promise<NumberedTask[]> {
  const rows = await db.select().from(tasks).where(which).orderBy(asc(tasks.number)).limit(limit);
  return rows.map((row) => ({ number: row.number, task: toTask(row) }));
}

function inGroup({ owner, conversationId }: TaskGroup): SQL | undefined {
  const ofConversation =
    conversationId === null ? undefined : eq(tasks.conversation_id, conversationId);
  return and(eq(tasks.owner, owner), ofConversation);
}
