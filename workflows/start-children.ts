import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { SpawnedTask } from '../activities/types.ts';
import type { WaitOrder } from '../contract/children.ts';
import { logChild, logNews } from './children.ts';
import type { RunState } from './run-state.ts';

/** What a call has started, and what it then waits for. */
interface Family {
  callId: string;
  spawned: readonly SpawnedTask[];
  wait: WaitOrder | undefined;
}

/**
 * Starts the runs of tasks that a call has put into the record, as child workflows that go on when this one has closed. In a run
 * that is being cancelled too: an accepted task is never left lying.
 */
export async function startChildren(
  run: RunState,
  { callId, spawned, wait }: Family,
): Promise<void> {
  for (const { start: _, ...child } of spawned) {
    // Only the one whose result is the call's own: whatever else a tool has meant, the run is told of its end.
    const background = wait?.kind !== 'result' || wait.task_id !== child.task_id;
    logChild(run, { ...child, step: run.step, call_id: callId, background });
  }
  logNews(run);
  await CancellationScope.nonCancellable(() => Promise.all(spawned.map(startRun)));
}

async function startRun({ start }: SpawnedTask): Promise<void> {
  const { workflow, ...options } = start;
  try {
    await startChild(workflow, { ...options, parentClosePolicy: ParentClosePolicy.ABANDON });
  } catch (error) {
    // The reconciler was first.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
