import { Context } from '@temporalio/activity';
import { acceptedEvent } from '../contract/accepted-event.ts';
import type { LogEvent, TerminalEvent } from '../contract/events.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import { announceEnd } from '../runs/announce-end.ts';
import { cancelBelow } from '../runs/cancel-tree.ts';
import type { RunsDeps } from '../runs/dependencies.ts';
import { TaskAbsent } from '../store/errors.ts';
import type { FinishResult } from '../store/store.ts';
import { commitEnd } from './commit-end.ts';
import type { HeldLogs } from './held-logs.ts';
import { recordCancel } from './record-cancel.ts';
import { readOwnLog } from './run-log.ts';
import type { FinishInput, LogSoFar } from './types.ts';

/** First entry that a workflow run holds when nothing of the log was flushed before: entry 1 is built from the row. */
const NOTHING_FLUSHED = 2;

export interface FinishTaskDeps extends RunsDeps {
  logs: HeldLogs;
  metrics: Pick<Metrics, 'endCommitFailures'>;
}

/**
 * Ends the task in one transaction: terminal status, assistant message, archived log. Returns the terminal entry,
 * which is the winner's where somebody else had ended the task before. Then announces the end.
 * Throws `StoreUnavailable`, and Temporal tries again; `TaskAbsent`, and it does not.
 */
export function createFinishTask(deps: FinishTaskDeps) {
  return async function finishTask(input: FinishInput): Promise<TerminalEvent> {
    const cancel = await recordCancel(deps.store, input);
    const ended = await commitEnd(() => storeEnd(deps, input), deps.metrics);
    // What cannot be cancelled now is the reconciler's to repeat.
    await Promise.allSettled([announceEnd(deps, ended), cancel && cancelBelow(deps, cancel)]);
    return ended.event;
  };
}

async function storeEnd(deps: LogDeps, input: FinishInput): Promise<FinishResult> {
  const { end, ...soFar } = input;
  return deps.store.finishTask({
    taskId: soFar.taskId,
    log: await freshLog(deps, soFar),
    at: new Date().toISOString(),
    end:
      end.status === 'COMPLETED'
        ? end
        : {
            status: 'FAILED',
            failure: { code: end.code, message: end.message },
            error: end.error,
          },
  });
}

/** Stores the log so far, ahead of the task's end: before continue-as-new. */
export function createFlushLog(deps: LogDeps) {
  return async function flushLog(soFar: LogSoFar): Promise<void> {
    await deps.store.appendLog(soFar.taskId, await freshLog(deps, soFar));
  };
}

type LogDeps = Pick<FinishTaskDeps, 'store' | 'logs'>;

/** What the store may not hold yet: the entries of this workflow run, and entry 1 where it is the first one. */
async function freshLog({ store, logs }: LogDeps, soFar: LogSoFar): Promise<LogEvent[]> {
  const { taskId } = soFar;
  const { firstSeq, events } = await readOwnLog(Context.current(), logs, soFar);
  if (firstSeq > NOTHING_FLUSHED) return events;
  const task = await store.getTask(taskId);
  if (!task) throw new TaskAbsent(`task ${taskId} is not in the store`);
  return [acceptedEvent(task), ...events];
}
