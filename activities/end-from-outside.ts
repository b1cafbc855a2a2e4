import type { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type WorkflowExecutionDescription, type WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { acceptedEvent } from '../contract/accepted-event.ts';
import type { LogEvent } from '../contract/events.ts';
import type { Failure } from '../contract/failures.ts';
import { isPartial, type Partial } from '../contract/frames.ts';
import { interruptedTurn } from '../contract/interrupted-turn.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';
import { isUnreachable } from './patiently.ts';
import { readHeldLog } from './run-log.ts';

/** Deadline of each call to Temporal, in milliseconds. */
const CALL_MS = 3_000;

export interface EndFromOutsideDeps {
  store: Store;
  relay: Relay;
}

/**
 * Ends a task whose workflow is closed or absent, with the log and the best partial that can still be read. A task whose
 * workflow is open is left alone. Throws where Temporal cannot be reached.
 */
export async function endFromOutside(deps: EndFromOutsideDeps, context: Context, task: TaskRecord): Promise<void> {
  const { client } = context;
  const handle = client.workflow.getHandle(task.id);
  const within = <T>(ask: () => Promise<T>) => client.withDeadline(Date.now() + CALL_MS, ask);
  const description = await within(() => describe(handle));
  if (description?.status.name === 'RUNNING') return;
  const held = description ? await within(() => readLog(handle)) : null;
  const at = new Date().toISOString();
  const log = remains(task, held, description ? heartbeatPartial(description) : null, at);
  const failure = failureFor(description?.status.name);
  await deps.store.finishTask({
    taskId: task.id,
    log,
    at,
    end: { status: 'FAILED', failure, error: failure.message },
    logIncomplete: held === null && task.started_at !== null,
  });
  deps.relay.publish(task.id, { kind: 'end' });
}

async function describe(handle: WorkflowHandle): Promise<WorkflowExecutionDescription | null> {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** What the run holds of its log, by query, which a closed run still answers; null where it never will. */
async function readLog(handle: WorkflowHandle): Promise<LogEvent[] | null> {
  try {
    return (await readHeldLog(handle)).events;
  } catch (error) {
    if (isUnreachable(error)) throw error;
    return null;
  }
}

/** What goes into the archive beside what is stored: the entries that could be read, and what is left of an open step. */
function remains(task: TaskRecord, held: LogEvent[] | null, partial: Partial | null, at: string): LogEvent[] {
  const stored = task.last_seq;
  const known = held ?? [];
  const log: LogEvent[] = stored === 0 ? [acceptedEvent(task), ...known] : known;
  const left = task.started_at === null ? null : interruptedTurn(log, partial);
  if (!left) return log;
  const seq = (log.at(-1)?.seq ?? stored) + 1;
  return [...log, { type: 'turn.interrupted', task_id: task.id, seq, at, data: left }];
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
      return { code: 'terminated', message: 'The workflow of the task was terminated from outside.' };
    case 'TIMED_OUT':
      return { code: 'timed_out', message: 'The workflow of the task was timed out by Temporal.' };
    case undefined:
      return { code: 'orphaned', message: 'The workflow of the task does not exist any more.' };
    default:
      return { code: 'orphaned', message: `The workflow of the task closed as ${status} without ending it.` };
  }
}
