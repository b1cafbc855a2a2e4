import { Context } from '@temporalio/activity';
import { acceptedEvent } from '../contract/accepted-event.ts';
import type { LogEvent, TerminalEvent } from '../contract/events.ts';
import type { Relay } from '../relay/relay.ts';
import { TaskAbsent } from '../store/errors.ts';
import type { Store } from '../store/store.ts';
import { readOwnLog } from './run-log.ts';
import type { FinishInput, FlushInput } from './types.ts';

/** First entry that a workflow run holds when nothing of the log was flushed before: entry 1 is built from the row. */
const NOTHING_FLUSHED = 2;

export interface FinishTaskDeps {
  store: Store;
  relay: Relay;
}

/**
 * Ends the task in one transaction: terminal status, assistant message, archived log. Returns the terminal entry,
 * which is the winner's where somebody else had ended the task before. Throws `StoreUnavailable`, and Temporal tries again; `TaskAbsent`, and it does not.
 */
export function createFinishTask({ store, relay }: FinishTaskDeps) {
  return async function finishTask({ taskId, through, end }: FinishInput): Promise<TerminalEvent> {
    const log = await heldLog(store, taskId, through);
    const { event } = await store.finishTask({
      taskId,
      log,
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
    relay.publish(taskId, { kind: 'end' });
    return event;
  };
}

/** Stores the log so far, ahead of the task's end: before continue-as-new. */
export function createFlushLog({ store }: Pick<FinishTaskDeps, 'store'>) {
  return async function flushLog({ taskId, through }: FlushInput): Promise<void> {
    await store.appendLog(taskId, await heldLog(store, taskId, through));
  };
}

/** What the store may not hold yet: the entries of this workflow run, and entry 1 where it is the first one. */
async function heldLog(store: Store, taskId: string, through: number): Promise<LogEvent[]> {
  const { firstSeq, events } = await readOwnLog(Context.current(), through);
  if (firstSeq > NOTHING_FLUSHED) return events;
  const task = await store.getTask(taskId);
  if (!task) throw new TaskAbsent(`task ${taskId} is not in the store`);
  return [acceptedEvent(task), ...events];
}
