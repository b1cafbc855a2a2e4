import { condition } from '@temporalio/workflow';
import type { ToolResult } from '../activities/types.ts';
import type { WaitOrder } from '../contract/children.ts';
import { isChildEnd } from '../contract/events.ts';
import { hasEnded } from './children.ts';
import type { RunState } from './run-state.ts';

/**
 * Waits for the end of tasks below the run, as a call asks for, without holding a worker; gives the result of that call. A wait for
 * several of them ends early where somebody has written to the run, which reads that in its next step.
 */
export async function awaitChildren(run: RunState, order: WaitOrder): Promise<ToolResult> {
  if (order.kind === 'result') {
    await condition(() => hasEnded(run, order.task_id));
    return resultOf(run, order.task_id);
  }
  const { until, timeout_ms } = order;
  const others = order.others ? Object.keys(run.children).filter((id) => !hasEnded(run, id)) : [];
  const task_ids = [...new Set([...order.task_ids, ...others])];
  const isEnded = (id: string) => hasEnded(run, id);
  const isOver = () =>
    (until === 'any' && task_ids.some(isEnded)) ||
    task_ids.every(isEnded) ||
    run.inbox.unread.length > 0;
  if (timeout_ms === undefined) await condition(isOver);
  else await condition(isOver, timeout_ms);
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
