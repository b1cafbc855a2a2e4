import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import pLimit, { type LimitFunction } from 'p-limit';
import { isPartial, type Partial } from '../contract/frames.ts';
import { EVENTS_QUERY, type EventsPage, type EventsRequest } from '../contract/run-messages.ts';
import { RUN_WORKFLOWS, startOptions } from '../contract/start-options.ts';
import type { TaskRecord } from '../contract/task.ts';
import { createForgetRuns } from './forget-runs.ts';
import { createRunUpdates, type RunUpdates } from './run-updates.ts';

/** Deadline of each call to Temporal, in milliseconds: a query without a worker would wait for ever. */
const CALL_MS = 2_000;
/**
 * Questions of one kind that are on their way at once. More would not be answered sooner on a busy machine, but past their
 * deadline, and would be asked again.
 */
const MAX_QUESTIONS = 32;

export interface RunReference {
  taskId: string;
  runId?: string | undefined;
}

/** What the server says of a run, without a worker. */
export interface RunDescription {
  status: 'open' | 'closed' | 'absent';
  /** How a closed run has closed, by Temporal's name for it; otherwise null. */
  closedAs: string | null;
  /** The workflow run that this is about, the newest; null where there is none. */
  runId: string | null;
  /** Events of history: has it grown, so has, perhaps, the log. */
  historyLength: number;
  /** The run waits for a worker to go on, or one is at it. */
  workflowTaskPending: boolean;
  /** The last heartbeat of a model attempt that is under way. */
  partial: Partial | null;
  /** Ids of activities that an operator has paused. */
  paused: readonly string[];
  /** Why storing the log fails again and again, at the end or before the run continues as new; or null. */
  persistenceError: string | null;
}

/** Temporal as whoever is outside of a run uses it. Every call has a deadline; where Temporal cannot be reached it rejects. */
export interface RunClient extends RunUpdates {
  /** Starts the task's workflow, or joins it where it is open. False: it has closed, and is never started again. */
  start(task: TaskRecord): Promise<boolean>;
  /** Where there is no open run, there is nothing to cancel any more. */
  cancel(taskId: string): Promise<void>;
  /** Without a `runId` to whichever run of the workflow is at work. False: there is no open run. */
  signal(run: RunReference, name: string, arg: unknown): Promise<boolean>;
  query(taskId: string, request: EventsRequest): Promise<EventsPage>;
  describe(taskId: string): Promise<RunDescription>;
  /** Lets an activity go on that an operator has paused. */
  unpause(taskId: string, activityId: string): Promise<void>;
  /** Deletes the history of a closed run, with those that it has continued. */
  forget(taskId: string): Promise<void>;
}

export interface RunClientOptions {
  /** Asked at each call: an activity has a client of its own. */
  client: () => Client;
  /**
   * A client on the connection of a worker in this process: a run's first workflow task is then handed to that worker with
   * the answer to the start. Left out: `client` starts runs too.
   */
  eagerStarter?: Client | undefined;
  taskQueue: string;
}

export function createRunClient({ client, eagerStarter, taskQueue }: RunClientOptions): RunClient {
  const within = <T>(ask: () => Promise<T>) => client().withDeadline(Date.now() + CALL_MS, ask);
  const [queries, describes] = [pLimit(MAX_QUESTIONS), pLimit(MAX_QUESTIONS)];
  /** The wait for its turn is part of the time that a question has. */
  const inTurn = <T>(turns: LimitFunction, ask: () => Promise<T>) => {
    const deadline = Date.now() + CALL_MS;
    return turns(() => client().withDeadline(deadline, ask));
  };
  const handle = (taskId: string, runId?: string) => client().workflow.getHandle(taskId, runId);
  return {
    ...createRunUpdates(client),
    async start(task) {
      const starter = eagerStarter ?? client();
      try {
        await starter.withDeadline(Date.now() + CALL_MS, () =>
          starter.workflow.start(RUN_WORKFLOWS[task.type], {
            ...startOptions(task, taskQueue),
            requestEagerStart: eagerStarter !== undefined,
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },
    async cancel(taskId) {
      await orNull(within(() => handle(taskId).cancel()));
    },
    async signal({ taskId, runId }, name, arg) {
      const sending = within(() => handle(taskId, runId).signal(name, arg));
      return (await orNull(sending.then(() => true))) ?? false;
    },
    query: (taskId, request) =>
      inTurn(queries, () =>
        handle(taskId).query<EventsPage, [EventsRequest]>(EVENTS_QUERY, request),
      ),
    async describe(taskId) {
      const run = await orNull(inTurn(describes, () => handle(taskId).describe()));
      return run ? descriptionOf(run) : NO_RUN;
    },
    async unpause(workflowId, id) {
      const { workflowService, options } = client();
      const execution = { workflowId };
      await within(() =>
        workflowService.unpauseActivity({ namespace: options.namespace, execution, id }),
      );
    },
    forget: createForgetRuns(client, within),
  };
}

/** Null: there is no such run, or it is not open. */
async function orNull<T>(asking: Promise<T>): Promise<T | null> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

const NO_RUN: RunDescription = {
  status: 'absent',
  closedAs: null,
  runId: null,
  historyLength: 0,
  workflowTaskPending: false,
  partial: null,
  paused: [],
  persistenceError: null,
};

function descriptionOf({
  raw,
  status: { name },
  runId,
  historyLength,
}: WorkflowExecutionDescription): RunDescription {
  const isOpen = name === 'RUNNING' || name === 'PAUSED';
  const pending = raw.pendingActivities ?? [];
  const of = (type: string) => pending.find(({ activityType }) => activityType?.name === type);
  const payload = of('callModel')?.heartbeatDetails?.payloads?.[0];
  const details: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : null;
  return {
    status: isOpen ? 'open' : 'closed',
    closedAs: isOpen ? null : name,
    runId,
    historyLength,
    workflowTaskPending: Boolean(raw.pendingWorkflowTask),
    partial: isPartial(details) ? details : null,
    paused: pending.flatMap(({ paused, activityId }) => (paused && activityId ? [activityId] : [])),
    persistenceError: (of('finishTask') ?? of('flushLog'))?.lastFailure?.message ?? null,
  };
}
