import { Client } from '@temporalio/client';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { ensureReconciler, ensureSearchAttributes } from './prepare-namespace.ts';
import { workerOptions, type WorkOptions } from './worker-options.ts';

export interface OpenWorkerOptions extends WorkOptions {
  connection: NativeConnection;
}

export interface RunningWorker extends AsyncDisposable {
  /** Settles when the worker has ended; rejects where it broke. */
  readonly ended: Promise<void>;
  /** A client on the worker's own connection: what it starts eagerly, this worker takes on at once. */
  readonly client: Client;
}

/** A shift of the reconciler; the schedule begins the next one. */
const SHIFT_MS = 5 * 60_000;
/** Time beyond the grace after which shutdown no longer waits, in milliseconds. */
const FORCE_AFTER_MS = 10_000;

/** A worker at work, with its namespace prepared. Disposing it hands over what it was doing and waits for its end. */
export async function openWorker(options: OpenWorkerOptions): Promise<RunningWorker> {
  const { connection, namespace, taskQueue, shutdownGraceMs } = options;
  await ensureSearchAttributes(connection, namespace);
  const client = new Client({ connection, namespace });
  await ensureReconciler(client, taskQueue, options.reconcileEverySeconds);
  const stopping = new AbortController();
  const worker = await Worker.create({
    ...workerOptions(options, { stopping: stopping.signal, shiftMs: SHIFT_MS }),
    connection,
    namespace,
    shutdownForceTime: shutdownGraceMs + FORCE_AFTER_MS,
  });
  const ended = worker.run();
  // Whoever awaits `ended` hears of a failure; nobody needs to.
  ended.catch(() => undefined);
  return {
    ended,
    client,
    async [Symbol.asyncDispose]() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      stopping.abort();
      await ended.catch(() => undefined);
    },
  };
}
