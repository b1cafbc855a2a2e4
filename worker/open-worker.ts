import { Client } from '@temporalio/client';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { createHeldLogs } from '../activities/held-logs.ts';
import { createActivities } from '../activities/index.ts';
import type { RunDefaults } from '../activities/begin-task.ts';
import type { Models } from '../activities/models/model.ts';
import type { Agent } from '../agents/agent.ts';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';
import { createWorker } from './create-worker.ts';
import { ensureReconciler, ensureSearchAttributes } from './prepare-namespace.ts';

export interface OpenWorkerOptions {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  store: Store;
  relay: Relay;
  models: Models;
  agents: readonly Agent[];
  defaults: RunDefaults;
  maxHeartbeatsPerSecond: number;
  /** Times in milliseconds. */
  heartbeatMs: number;
  modelIdleTimeoutMs: number;
  shutdownGraceMs: number;
  maxConcurrentActivities: number;
  workflowBundle?: WorkerOptions['workflowBundle'];
}

export interface RunningWorker extends AsyncDisposable {
  /** Settles when the worker has ended; rejects where it broke. */
  readonly ended: Promise<void>;
  /** A client on the worker's own connection: what it starts eagerly, this worker takes on at once. */
  readonly client: Client;
}

/** A worker at work, with its namespace prepared. Disposing it hands over what it was doing and waits for its end. */
export async function openWorker(options: OpenWorkerOptions): Promise<RunningWorker> {
  const { connection, namespace, taskQueue, store, relay, models } = options;
  await ensureSearchAttributes(connection, namespace);
  const stopping = new AbortController();
  const logs = createHeldLogs();
  const worker = await createWorker({
    ...options,
    logs,
    activities: createActivities({
      store,
      relay,
      logs,
      models,
      agents: new Map(options.agents.map((agent) => [agent.name, agent])),
      defaults: options.defaults,
      taskQueue,
      heartbeatMs: options.heartbeatMs,
      maxHeartbeatsPerSecond: options.maxHeartbeatsPerSecond,
      modelIdleTimeoutMs: options.modelIdleTimeoutMs,
      stopping: stopping.signal,
    }),
  });
  const ended = worker.run();
  // Whoever awaits `ended` hears of a failure; nobody needs to.
  ended.catch(() => undefined);
  const client = new Client({ connection, namespace });
  await ensureReconciler(client, taskQueue);
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
