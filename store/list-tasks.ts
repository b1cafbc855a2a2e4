import { and, eq, gt, inArray, lt, sql, type SQL } from 'drizzle-orm';
import type { TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { behind, inOrder, pageOf } from './page-cursor.ts';
import { toTask } from './rows.ts';
import type { Page, PageRequest, TaskFilter } from './store.ts';
import { tasks } from './task-table.ts';

/** `Store.listTasks` */
export async function listTasks(
  db: Queries,
  filter: TaskFilter,
  page: PageRequest,
): Promise<Page<TaskRecord>> {
  const rows = await db
    .select()
    .from(tasks)
    .where(and(...conditions(filter), behind(tasks.number, page)))
    .orderBy(inOrder(tasks.number, page))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, { position: (row) => row.number, record: toTask });
}

function conditions(filter: TaskFilter): (SQL | undefined)[] {
  const { status, metadata, created_after, created_before } = filter;
  return [
    eq(tasks.owner, filter.owner),
    status && inArray(tasks.status, [...status]),
    filter.failure && eq(tasks.failure_code, filter.failure),
    filter.type && eq(tasks.type, filter.type),
    equals(tasks.agent, filter.agent),
    equals(tasks.conversation_id, filter.conversation_id),
    equals(tasks.parent_task_id, filter.parent_task_id),
    equals(tasks.name, filter.name),
    metadata && sql`${tasks.metadata} @> ${JSON.stringify(metadata)}::jsonb`,
    created_after === undefined ? undefined : gt(tasks.created_at, created_after),
    created_before === undefined ? undefined : lt(tasks.created_at, created_before),
  ];
}

type TextColumn =
  | typeof tasks.agent
  | typeof tasks.conversation_id
  | typeof tasks.parent_task_id
  | typeof tasks.name;

function equals(column: TextColumn, value: string | undefined): SQL | undefined {
  return value === undefined ? undefined : eq(column, value);
}
