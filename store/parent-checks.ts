import { and, asc, count, inArray, isNotNull, sql } from 'drizzle-orm';
import { isTerminal, type Parent, type TaskRecord, type Usage } from '../contract/task.ts';
import type { Queries } from './database.ts';
import type { Check } from './start-checks.ts';
import { StoreRefusal } from './refusal.ts';
import { tasks } from './task-table.ts';
import { ACTIVE, getTask } from './tasks.ts';
import { below, shareTrees, type TreeLimits } from './tree.ts';

/** Checks what may still be accepted for the place below its parent that it asks for. At most one start has a parent. */
export async function checkParents(
  tx: Queries,
  checks: readonly Check[],
  limits: TreeLimits,
): Promise<Check[]> {
  const checked: Check[] = [];
  for (const check of checks) {
    const { parent, owner } = check.start.task;
    const isChild = parent !== null && !check.outcome;
    checked.push(isChild ? await placed(tx, check, { parent, owner, limits }) : check);
  }
  return checked;
}

interface Wish {
  parent: Parent;
  owner: string;
  limits: TreeLimits;
}

async function placed(tx: Queries, check: Check, wish: Wish): Promise<Check> {
  const place = await placeBelow(tx, wish);
  if (place instanceof StoreRefusal) {
    return { ...check, outcome: { status: 'rejected', reason: place } };
  }
  return { ...check, start: { ...check.start, ancestors: place } };
}

/** The tasks above a child of this parent, which may have ended, or why there can be none. */
async function placeBelow(
  tx: Queries,
  { parent, owner, limits }: Wish,
): Promise<string[] | StoreRefusal> {
  const found = await getTask(tx, parent.task_id, owner);
  if (!found) return new StoreRefusal('task_not_found', 'there is no such task');
  const ancestors = [...found.ancestors, found.id];
  if (ancestors.length > limits.maxDepth) {
    return new StoreRefusal(
      'tree_too_deep',
      `the task would be ${ancestors.length} generations below ${ancestors[0]}, and the limit is ${limits.maxDepth}: start it below one of its other ancestors, or below none`,
    );
  }
  await shareTrees(tx, ancestors);
  return (
    (await treeCancelled(tx, ancestors)) ??
    beingCancelled(found, parent) ??
    (await treeSpent(tx, ancestors, limits)) ??
    ancestors
  );
}

/** Alone, or with its conversation: what it has begun may go on, but it begins nothing more, nor does a call that has outlived it. */
function beingCancelled(
  { id, status, cancel_request }: TaskRecord,
  { call_id }: Parent,
): StoreRefusal | null {
  if (!cancel_request || (isTerminal(status) && call_id === undefined)) return null;
  return new StoreRefusal(
    'tree_cancelled',
    isTerminal(status)
      ? `${id} was cancelled, so none of its calls can start anything any more`
      : `${id} is being cancelled, so nothing can be started below it until it has ended`,
  );
}

async function treeCancelled(tx: Queries, ancestors: string[]): Promise<StoreRefusal | null> {
  const [cancelled] = await tx
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(inArray(tasks.id, ancestors), isNotNull(tasks.tree_cancel)))
    .orderBy(asc(tasks.number))
    .limit(1);
  if (!cancelled) return null;
  return new StoreRefusal(
    'tree_cancelled',
    `${cancelled.id} was cancelled with all that is below it, so nothing can be started there any more`,
  );
}

/** Tasks that have not ended, and tokens that ended ones have used: what runs is bounded by the first. */
async function treeSpent(
  tx: Queries,
  [root = '']: string[],
  { maxActive, maxTokens }: TreeLimits,
): Promise<StoreRefusal | null> {
  const used = (figure: keyof Usage) => sql`coalesce((${tasks.usage}->>${figure})::bigint, 0)`;
  const [tree] = await tx
    .select({
      active: count(sql`case when ${inArray(tasks.status, ACTIVE)} then 1 end`),
      tokens: sql`coalesce(sum(${used('input_tokens')} + ${used('output_tokens')}), 0)`.mapWith(
        Number,
      ),
    })
    .from(tasks)
    .where(below(root));
  if (!tree) return null;
  const { active, tokens } = tree;
  if (active >= maxActive)
    return new StoreRefusal(
      'too_many_running_tasks',
      `${active} tasks below ${root} have not ended, and the limit is ${maxActive}: wait for the end of some, or cancel them`,
    );
  if (tokens < maxTokens) return null;
  return new StoreRefusal(
    'tree_budget_exceeded',
    `the tasks below ${root} have used ${tokens} tokens, and the limit is ${maxTokens}: nothing more can be started there`,
  );
}
