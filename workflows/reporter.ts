import { CancellationScope, condition, getExternalWorkflowHandle } from '@temporalio/workflow';
import type { RunPlan } from '../activities/types.ts';
import type { CustomEvent } from '../contract/run-messages.ts';
import { childEventsSignal } from './messages.ts';
import type { RunState } from './run-state.ts';

/** Tells the parent's run what a run emits: in order, and ahead of its end. */
export interface Reporter {
  report(events: CustomEvent[]): void;
  /** Resolves when the parent's run was told of everything, or is gone. */
  told(): Promise<void>;
}

/** A batch after the other, because Temporal keeps no order between signals that are on their way at once. */
export function createReporter(
  run: RunState,
  { taskId, name }: NonNullable<RunPlan['parent']>,
): Reporter {
  const parent = getExternalWorkflowHandle(taskId);
  const waiting: CustomEvent[][] = [];
  let busy = false;

  async function tellAll(): Promise<void> {
    for (let events = waiting.shift(); events; events = waiting.shift()) {
      const from = run.forwarded + 1;
      await parent.signal(childEventsSignal, { task_id: run.taskId, name, from, events });
      run.forwarded += events.length;
    }
  }

  return {
    report(events) {
      waiting.push(events);
      if (busy) return;
      busy = true;
      // In a run that is being cancelled too: the parent hears all that stands in its log.
      void CancellationScope.nonCancellable(tellAll)
        // The parent's run has closed: nobody is there to be told.
        .catch(() => void waiting.splice(0))
        .finally(() => (busy = false));
    },
    told: () => CancellationScope.nonCancellable(() => condition(() => !busy)),
  };
}
