import { and, arrayContains, eq, or, sql, type SQL } from 'drizzle-orm';
import type { TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { behind, inOrder, pageOf } from './page-cursor.ts';
import { toTask } from './rows.ts';
import type { Page, PageRequest } from './store.ts';
import { tasks } from './task-table.ts';

/** How large a tree of tasks may grow. */
export interface TreeLimits {
  /** Generations below its root. */
  maxDepth: number;
  /** PENDING and RUNNING tasks below its root. */
  maxActive: number;
  /** Tokens, in and out, of ended tasks below its root, from which on no more is started there. */
  maxTokens: number;
}

export const TREE_LIMITS: TreeLimits = { maxDepth: 8, maxActive: 100, maxTokens: 20_000_000 };

/** Tasks below this one, also where one between them was forgotten. */
export function below(id: string): SQL {
  return arrayContains(tasks.ancestors, [id]);
}

/** `Store.listTree` */
export async function listTree(
  db: Queries,
  { id, owner }: { id: string; owner: string },
  page: Pick<PageRequest, 'limit' | 'cursor'>,
): Promise<Page<TaskRecord>> {
  const oldestFirst = { ...page, order: 'asc' } as const;
  const inTree = or(eq(tasks.id, id), below(id));
  const rows = await db
    .select()
    .from(tasks)
    .where(and(eq(tasks.owner, owner), inTree, behind(tasks.number, oldestFirst)))
    .orderBy(inOrder(tasks.number, oldestFirst))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, { position: (row) => row.number, record: toTask });
}

/*
 * Whoever starts a task shares the trees of all that are above it until it commits; whoever cancels a tree has it alone.
 * So a start has either been stored when the cancel looks for what is below, or finds the cancel. Both take these locks
 * before they lock any row.
 */

/** Waits until no start below the task is under way, and holds further ones up until the transaction ends. */
export async function lockTree(tx: Queries, id: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${treeKey(sql`${id}`)})`);
}

/** Holds cancels of these tasks' trees up until the transaction ends. */
export async function shareTrees(tx: Queries, ids: readonly string[]): Promise<void> {
  const trees = sql`jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)`;
  await tx.execute(
    sql`select pg_advisory_xact_lock_shared(${treeKey(sql`id`)}) from ${trees} as above (id)`,
  );
}

function treeKey(id: SQL): SQL {
  return sql`hashtextextended('tree of ' || ${id}::text, 0)`;
}
