import type { Context } from '@temporalio/activity';
import {
  WorkflowNotFoundError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { LogEvent } from '../contract/events.ts';
import type { Failure } from '../contract/failures.ts';
import { isPartial, type Partial } from '../contract/frames.ts';
import { interruptedTurn } from '../contract/interrupted-turn.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import type { Relay } from '../relay/relay.ts';
import { callTemporal } from './call-temporal.ts';
import { commitEnd } from './commit-end.ts';
import { isUnreachable } from './patiently.ts';
import { queryLog, type LogPart } from './run-log.ts';
import { startNext, type StartRunDeps } from './start-run.ts';
import { tellParent } from './tell-parent.ts';

/** For so long after a run has closed its log is asked for again and again, in milliseconds. */
const PATIENCE_MS = 60_000;

export interface EndFromOutsideDeps extends StartRunDeps {
  relay: Relay;
  metrics: Pick<Metrics, 'endCommitFailures'>;
}

/**
 * Ends a task whose workflow is closed or absent, with the log and the best partial that can still be read. A task whose
 * workflow is open is left alone. Throws where Temporal cannot be reached.
 */
export async function endFromOutside(
  deps: EndFromOutsideDeps,
  context: Context,
  task: TaskRecord,
): Promise<void> {
  const { client } = context;
  const handle = client.workflow.getHandle(task.id);
  const within = <T>(ask: () => Promise<T>) => callTemporal(client, ask);
  const run = await within(() => describe(handle));
  if (run?.status.name === 'RUNNING' || run?.status.name === 'PAUSED') return;
  // A run that never began its task has no log; one that never ran at all cannot even be asked.
  const begun = task.started_at !== null;
  const held = run && begun ? await readLog(() => within(() => queryLog(handle)), run) : null;
  const at = new Date().toISOString();
  const left = begun ? interruptedTurn(held ?? [], run && heartbeatPartial(run)) : null;
  const log = held ?? [];
  if (left) {
    const seq = (log.at(-1)?.seq ?? Math.max(task.last_seq, 1)) + 1;
    log.push({ type: 'turn.interrupted', task_id: task.id, seq, at, data: left });
  }
  const failure = failureFor(run?.status.name);
  const end = { status: 'FAILED', failure, error: failure.message } as const;
  const request = {
    taskId: task.id,
    log,
    at,
    end,
    logIncomplete: held === null && begun,
  };
  const stored = await commitEnd(() => deps.store.finishTask(request), deps.metrics);
  deps.relay.publish(task.id, { kind: 'end' });
  await startNext(deps, context, stored.next);
  await tellParent(deps.store, context, stored.task);
}

async function describe(handle: WorkflowHandle): Promise<WorkflowExecutionDescription | null> {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** What a closed run holds of its log, by query, which it still answers; null where it never will. */
async function readLog(
  read: () => Promise<LogPart>,
  { closeTime }: WorkflowExecutionDescription,
): Promise<LogEvent[] | null> {
  try {
    return (await read()).events;
  } catch (error) {
    const closedForMs = Date.now() - (closeTime?.getTime() ?? Date.now());
    if (isUnreachable(error) && closedForMs < PATIENCE_MS) throw error;
    return null;
  }
}

/** The last heartbeat of the model attempt that was under way when the run was closed. */
function heartbeatPartial({ raw }: WorkflowExecutionDescription): Partial | null {
  for (const { activityType, heartbeatDetails } of raw.pendingActivities ?? []) {
    const payload = heartbeatDetails?.payloads?.[0];
    if (activityType?.name !== 'callModel' || !payload) continue;
    const details = defaultPayloadConverter.fromPayload(payload);
    if (isPartial(details)) return details;
  }
  return null;
}

function failureFor(status: string | undefined): Failure {
  switch (status) {
    case 'TERMINATED':
      return {
        code: 'terminated',
        message: 'The workflow of the task was terminated from outside.',
      };
    case 'TIMED_OUT':
      return { code: 'timed_out', message: 'The workflow of the task was timed out by Temporal.' };
    case undefined:
      return { code: 'orphaned', message: 'The workflow of the task does not exist any more.' };
    default:
      return {
        code: 'orphaned',
        message: `The workflow of the task closed as ${status} without ending it.`,
      };
  }
}
