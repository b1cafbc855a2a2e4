import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError } from '@temporalio/client';
import { ATTEMPT_FAILURES } from '../contract/failures.ts';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';

/** Deadline of a heartbeat past the SDK, in milliseconds. */
const ASK_MS = 2_000;

/** Why the work of an activity has to stop. */
export type StopReason =
  /** A cancel stands in the task's row: known by its bell, ahead of Temporal. */
  | 'cancel_recorded'
  /** Temporal asked for it. */
  | 'cancelled'
  | 'worker_shutdown'
  /** Temporal has given this attempt up: whatever it reports is dropped. */
  | 'superseded';

/** The `reason` of a supervised signal. */
export class Stopped extends Error {
  override name = 'Stopped';
  readonly why: StopReason;
  constructor(why: StopReason) {
    super(`stopped: ${why}`);
    this.why = why;
  }
}

export interface Supervision extends AsyncDisposable {
  /** Aborted with a `Stopped` once the work has to stop. */
  readonly signal: AbortSignal;
  /** Looks for a cancel whose bell rang before anybody here listened. */
  look(): Promise<void>;
}

export interface SuperviseOptions {
  context: Context;
  store: Store;
  relay: Relay;
  taskId: string;
  /** Aborted when the worker begins to stop. */
  stopping: AbortSignal;
  /** What a heartbeat carries that is sent now. */
  details(): unknown;
  /** Milliseconds until the next one. */
  pauseMs(): number;
}

/**
 * Heartbeats for an activity, and tells it when to stop: on a cancel's bell, on Temporal's cancel, on worker
 * shutdown, or when its attempt was given up. Pausing or resetting the activity from the Web UI stops nothing: the
 * attempt goes on to its end, so nothing that was said is said twice.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervision> {
  const { context, taskId, relay, stopping } = options;
  const controller = new AbortController();
  const stop = (why: StopReason) => controller.abort(new Stopped(why));

  const hear = (why: StopReason | null) => {
    if (why) stop(why);
  };

  let timer: NodeJS.Timeout | undefined;
  let asking = false;
  const ask = async (details: unknown) => {
    if (asking) return;
    asking = true;
    hear(stopping.aborted ? 'worker_shutdown' : await askServer(context, details));
    asking = false;
  };
  const beat = () => {
    const details = options.details();
    context.heartbeat(details);
    hear(stopAsked(context));
    if (isDeaf(context)) void ask(details);
    timer = setTimeout(beat, options.pauseMs());
  };
  hear(stopAsked(context));
  timer = setTimeout(beat, options.pauseMs());

  const onAbort = () => hear(stopAsked(context));
  context.cancellationSignal.addEventListener('abort', onAbort);
  const look = () => confirmCancel(options, () => stop('cancel_recorded'));
  const unsubscribe = await relay.subscribe(taskId, (message) => {
    if (message.kind === 'cancel') void look();
  });
  return {
    signal: controller.signal,
    look,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      context.cancellationSignal.removeEventListener('abort', onAbort);
      unsubscribe();
    },
  };
}

/** A bell is a hint: only the row tells. Where the row cannot be read, Temporal's cancel comes with a heartbeat. */
async function confirmCancel({ store, taskId }: SuperviseOptions, stop: () => void): Promise<void> {
  const task = await store.getTask(taskId).catch(() => null);
  if (task?.cancel_request) stop();
}

/** The same signal stands for cancel, shutdown, pause and reset; the details tell them apart, and may change later. */
function stopAsked({ cancellationDetails: details }: Context): StopReason | null {
  if (!details) return null;
  if (details.cancelRequested) return 'cancelled';
  if (details.notFound || details.timedOut) return 'superseded';
  if (details.workerShutdown) return 'worker_shutdown';
  return null;
}

/**
 * The SDK hands one notice on to an activity and drops all that follow. Where a pause or a reset was that notice, no
 * cancel will ever come with a heartbeat, and no word of the worker's shutdown.
 */
function isDeaf(context: Context): boolean {
  return context.cancellationSignal.aborted && stopAsked(context) === null;
}

/** Heartbeats past the SDK, because only the server's answer to that tells of a cancel. Unreachable is neither. */
async function askServer({ client, info }: Context, details: unknown): Promise<StopReason | null> {
  try {
    // The activity's own signal, which else cuts every call of this client short, has been aborted by the notice.
    const { signal } = new AbortController();
    await client.withAbortSignal(signal, () =>
      client.withDeadline(Date.now() + ASK_MS, () =>
        client.activity.heartbeat(info.taskToken, details),
      ),
    );
  } catch (error) {
    if (error instanceof ActivityCancelledError) return 'cancelled';
    if (error instanceof ActivityNotFoundError) return 'superseded';
  }
  return null;
}

/**
 * How an activity tells Temporal that it was cancelled. After a pause or a reset the SDK would report a `CancelledFailure`
 * as that, and without its details.
 */
export function cancellation(
  message: string,
  details: unknown[] = [],
): ApplicationFailure | CancelledFailure {
  const { paused, reset } = Context.current().cancellationDetails ?? {};
  if (!paused && !reset) return new CancelledFailure(message, details);
  return ApplicationFailure.create({
    message,
    type: ATTEMPT_FAILURES.cancelled,
    details,
    nonRetryable: true,
  });
}
