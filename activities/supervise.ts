import type { Context } from '@temporalio/activity';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';

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
}

export interface SuperviseOptions {
  context: Context;
  store: Store;
  relay: Relay;
  taskId: string;
  /** What the next heartbeat carries, and the milliseconds until the one after. */
  heartbeat(): { details: unknown; nextMs: number };
}

/**
 * Heartbeats for an activity, first at once, and tells it when to stop: on a cancel's bell, on Temporal's cancel, on worker
 * shutdown, or when its attempt was given up. Pausing or resetting the activity from the Web UI stops nothing: the
 * attempt goes on to its end, so nothing that was said is said twice.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervision> {
  const { context, taskId, relay } = options;
  const controller = new AbortController();
  const stop = (why: StopReason) => controller.abort(new Stopped(why));

  let timer: NodeJS.Timeout | undefined;
  const beat = () => {
    const { details, nextMs } = options.heartbeat();
    context.heartbeat(details);
    const why = stopAsked(context);
    if (why) stop(why);
    timer = setTimeout(beat, nextMs);
  };
  beat();

  const onAbort = () => {
    const why = stopAsked(context);
    if (why) stop(why);
  };
  context.cancellationSignal.addEventListener('abort', onAbort);
  const unsubscribe = await relay.subscribe(taskId, (message) => {
    if (message.kind === 'cancel') void confirmCancel(options, () => stop('cancel_recorded'));
  });
  return {
    signal: controller.signal,
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
