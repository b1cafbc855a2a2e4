import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  patched,
} from '@temporalio/workflow';
import type { RunPlan } from '../activities/types.ts';
import type { CustomEvent } from '../contract/run-messages.ts';
import { childEventsSignal } from './messages.ts';
import type { RunState } from './run-state.ts';

/** Tells the parent's run what a run emits: in order, and ahead of its end. */
export interface Reporter {
  report(events: CustomEvent[]): void;
  /** Resolves when the parent's run was told of everything, or is not there. */
  told(): Promise<void>;
}

/**
 * A batch after the other, because Temporal keeps no order between signals that are on their way at once. A parent whose run has
 * not begun yet, or has closed, is told of what is left together with what comes next, also by the run that goes on, and for the last
 * time at the end.
 */
export function createReporter(
  run: RunState,
  { taskId, callId: call_id, name }: NonNullable<RunPlan['parent']>,
): Reporter {
  const parent = getExternalWorkflowHandle(taskId);
  const { untold } = run;
  let busy = false;

  async function tellAll(): Promise<void> {
    try {
      for (let events = untold[0]; events; events = untold[0]) {
        const from = run.forwarded + 1;
        const child = { task_id: run.taskId, name, call_id };
        await parent.signal(childEventsSignal, { ...child, from, events });
        run.forwarded += events.length;
        untold.shift();
      }
    } catch {
      // Nobody is there to be told.
    } finally {
      busy = false;
    }
  }

  function tell(): void {
    if (busy || untold.length === 0) return;
    busy = true;
    // In a run that is being cancelled too: the parent hears all that stands in its log.
    void CancellationScope.nonCancellable(tellAll);
  }

  // A worker of 0.1.0 may have begun this run.
  if (untold.length > 0 && !patched('tell-what-was-left')) untold.length = 0;
  tell();
  return {
    report(events) {
      untold.push(events);
      tell();
    },
    async told() {
      tell();
      await CancellationScope.nonCancellable(() => condition(() => !busy));
    },
  };
}
