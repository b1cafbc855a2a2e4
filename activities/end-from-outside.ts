import type { LogEvent } from '../contract/events.ts';
import type { Failure } from '../contract/failures.ts';
import { interruptedTurn } from '../contract/interrupted-turn.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import { announceEnd } from '../runs/announce-end.ts';
import { sendCancel } from '../runs/cancel-run.ts';
import type { RunsDeps } from '../runs/dependencies.ts';
import { commitEnd } from './commit-end.ts';
import { isUnreachable } from './patiently.ts';
import { queryLog, type LogPart } from './run-log.ts';

/**
 * For so long, in milliseconds, and so often the log of a closed run is asked for at least where nobody answers. A worker that
 * is a function asks once a minute.
 */
const PATIENCE_MS = 60_000;
const LEAST_TRIES = 5;
/**
 * By the id of its task, since when the log of a closed run is asked for in vain, as `performance.now()` tells it, and how often
 * it was. It is the process's, because a worker that is a function has many short lives in one.
 */
const UNANSWERED = new Map<string, { since: number; tries: number }>();

export interface EndFromOutsideDeps extends RunsDeps {
  metrics: Pick<Metrics, 'endCommitFailures'>;
}

/**
 * Ends a task whose workflow is closed or absent, with the log and the best partial that can still be read. A task whose
 * workflow is open goes on, and is told again of a cancel that was recorded. Throws where Temporal cannot be reached.
 */
export async function endFromOutside(deps: EndFromOutsideDeps, task: TaskRecord): Promise<void> {
  const { runs, store, metrics } = deps;
  const { status, closedAs, partial, paused } = await runs.describe(task.id);
  if (status === 'open') {
    if (task.cancel_request) await cancelAgain(deps, task.id, paused);
    return;
  }
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

/**
 * Temporal forgets a cancel where an operator resets the run; sent twice it is the same request. A paused activity whose worker was lost
 * has no time-outs, and the cancelled run would wait for it for ever.
 */
async function cancelAgain(
  deps: EndFromOutsideDeps,
  taskId: string,
  paused: readonly string[],
): Promise<void> {
  for (const activityId of paused) await deps.runs.unpause(taskId, activityId);
  await sendCancel(deps, taskId);
}

/** What a closed run holds of its log, by query, which it still answers; null where it never will. */
async function readLog(taskId: string, read: () => Promise<LogPart>): Promise<LogEvent[] | null> {
  const now = performance.now();
  const { since, tries } = UNANSWERED.get(taskId) ?? { since: now, tries: 0 };
  UNANSWERED.delete(taskId);
  try {
    return (await read()).events;
  } catch (error) {
    const isPatient = now - since < PATIENCE_MS || tries + 1 < LEAST_TRIES;
    if (!isUnreachable(error) || !isPatient) return null;
    UNANSWERED.set(taskId, { since, tries: tries + 1 });
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
