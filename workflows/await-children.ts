import { condition } from '@temporalio/workflow';
import type { ToolResult } from '../activities/types.ts';
import type { WaitOrder } from '../contract/children.ts';
import { isChildEnd } from '../contract/events.ts';
import { hasEnded } from './children.ts';
import { conditionBy } from './condition-by.ts';
import type { RunState } from './run-state.ts';
import type { Wait } from './step-calls.ts';

/** What a call waits for from now on. */
export function beginWait(run: RunState, order: WaitOrder): Wait {
  if (order.kind === 'result') return order;
  const { task_ids, others, until, timeout_ms } = order;
  const atWork = others ? Object.keys(run.children).filter((id) => !hasEnded(run, id)) : [];
  return {
    kind: 'tasks',
    task_ids: [...new Set([...task_ids, ...atWork])],
    until,
    ...(timeout_ms !== undefined && { deadline: Date.now() + timeout_ms }),
  };
}

/**
 * Waits for the end of tasks below the run, as a call asks for, without holding a worker; gives the result of that call. A wait for
 * several of them ends early where somebody has written to the run, which reads that in its next step.
 */
export async function awaitChildren(run: RunState, wait: Wait): Promise<ToolResult> {
  if (wait.kind === 'result') {
    await condition(() => hasEnded(run, wait.task_id));
    return resultOf(run, wait.task_id);
  }
  const { task_ids, until, deadline } = wait;
  const isEnded = (id: string) => hasEnded(run, id);
  const isOver = () =>
    (until === 'any' && task_ids.some(isEnded)) || task_ids.every(isEnded) || run.unread.length > 0;
  await conditionBy(isOver, deadline);
  const ended = task_ids.filter(isEnded);
  return {
    output: {
      ended: ended.map((task_id) => ({ task_id, status: run.children[task_id]?.ended })),
      running: task_ids.filter((id) => !isEnded(id)),
    },
    is_error: false,
  };
}

/** What a child that the call has waited for leaves behind, as the call's own result. */
function resultOf(run: RunState, taskId: string): ToolResult {
  const end = run.log.filter(isChildEnd).findLast(({ data }) => data.task_id === taskId);
  return { output: end?.data ?? { task_id: taskId }, is_error: end?.type !== 'child.completed' };
}
