import type { LogEvent } from '../contract/events.ts';
import type { Failure } from '../contract/failures.ts';
import { interruptedTurn } from '../contract/interrupted-turn.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import { announceEnd } from '../runs/announce-end.ts';
import type { RunsDeps } from '../runs/dependencies.ts';
import { commitEnd } from './commit-end.ts';
import { isUnreachable } from './patiently.ts';
import { queryLog, type LogPart } from './run-log.ts';

/** For so long the log of a closed run is asked for again and again where nobody answers, in milliseconds. */
const PATIENCE_MS = 60_000;
/**
 * By the id of its task, since when the log of a closed run is asked for in vain, as `performance.now()` tells it. It is the
 * process's, because a worker that is a function has many short lives in one.
 */
const UNANSWERED = new Map<string, number>();

export interface EndFromOutsideDeps extends RunsDeps {
  metrics: Pick<Metrics, 'endCommitFailures'>;
}

/**
 * Ends a task whose workflow is closed or absent, with the log and the best partial that can still be read. A task whose
 * workflow is open is left alone. Throws where Temporal cannot be reached.
 */
export async function endFromOutside(deps: EndFromOutsideDeps, task: TaskRecord): Promise<void> {
  const { runs, store, metrics } = deps;
  const { status, closedAs, partial } = await runs.describe(task.id);
  if (status === 'open') return;
  // A run that never began its task has no log; one that never ran at all cannot even be asked.
  const begun = task.started_at !== null;
  const read = () => queryLog((request) => runs.query(task.id, request));
  const held = status === 'closed' && begun ? await readLog(task.id, read) : null;
  const at = new Date().toISOString();
  const left = begun ? interruptedTurn(held ?? [], partial) : null;
  const log = held ?? [];
  if (left) {
    const seq = (log.at(-1)?.seq ?? Math.max(task.last_seq, 1)) + 1;
    log.push({ type: 'turn.interrupted', task_id: task.id, seq, at, data: left });
  }
  const failure = failureFor(closedAs);
  const end = { status: 'FAILED', failure, error: failure.message } as const;
  const request = {
    taskId: task.id,
    log,
    at,
    end,
    logIncomplete: held === null && begun,
  };
  await announceEnd(deps, await commitEnd(() => store.finishTask(request), metrics));
}

/** What a closed run holds of its log, by query, which it still answers; null where it never will. */
async function readLog(taskId: string, read: () => Promise<LogPart>): Promise<LogEvent[] | null> {
  const now = performance.now();
  const since = UNANSWERED.get(taskId) ?? now;
  UNANSWERED.delete(taskId);
  try {
    return (await read()).events;
  } catch (error) {
    if (!isUnreachable(error) || now - since >= PATIENCE_MS) return null;
    UNANSWERED.set(taskId, since);
    throw error;
  }
}

function failureFor(closedAs: string | null): Failure {
  switch (closedAs) {
    case 'TERMINATED':
      return {
        code: 'terminated',
        message: 'The workflow of the task was terminated from outside.',
      };
    case 'TIMED_OUT':
      return { code: 'timed_out', message: 'The workflow of the task was timed out by Temporal.' };
    case null:
      return { code: 'orphaned', message: 'The workflow of the task does not exist any more.' };
    default:
      return {
        code: 'orphaned',
        message: `The workflow of the task closed as ${closedAs} without ending it.`,
      };
  }
}
