import type { FinishResult } from '../store/store.ts';
import type { RunsDeps } from './dependencies.ts';
import { startRun } from './start-run.ts';
import { tellParent } from './tell-parent.ts';

/**
 * For whoever has stored the end of a task: readers and its parent are told, and whoever has its turn by it begins. Never
 * rejects: what fails is the reconciler's to repeat.
 */
export async function announceEnd(
  deps: RunsDeps,
  { task, next }: Pick<FinishResult, 'task' | 'next'>,
): Promise<void> {
  deps.relay.publish(task.id, { kind: 'end' });
  await Promise.allSettled([next && startRun(deps, next), tellParent(deps, task)]);
}
