import type { TaskRecord } from '../../contract/task.ts';
import { createChangeWaiter } from '../feed/change-waiter.ts';
import type { Hubs } from '../feed/hubs.ts';
import { hasEnded, isOver } from '../feed/watched-task.ts';

/** Waits for the task's terminal entry, `waitMs` at most. False: it has not come. */
export async function waitForEnd(hubs: Hubs, task: TaskRecord, waitMs: number): Promise<boolean> {
  if (waitMs === 0) return false;
  const { hub, release } = await hubs.lease(task);
  const over = AbortSignal.any([AbortSignal.timeout(waitMs), hub.closed]);
  const waiter = createChangeWaiter(hub, over);
  try {
    while (!isOver(hub.task) && !waiter.isOver()) await waiter.changed();
    return hasEnded(hub.task);
  } finally {
    waiter.close();
    release();
  }
}
