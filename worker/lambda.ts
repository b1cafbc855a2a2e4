import { AsyncLocalStorage } from 'node:async_hooks';
import { Client } from '@temporalio/client';
import { runWorker, type LambdaHandler, type LambdaWorkerConfig } from '@temporalio/lambda-worker';
import {
  PromiseCompletionTimeoutError,
  type Worker,
  type WorkerOptions,
  type WorkerPlugin,
} from '@temporalio/worker';
import { runtimeOptions, workOptions } from '../compose-worker.ts';
import { openLog, openShared } from '../compose.ts';
import { loadLambdaWorkerConfig } from '../lambda-config.ts';
import { ensureReconciler, ensureSearchAttributes } from './prepare-namespace.ts';
import { workerOptions, type WorkOptions, type WorkSpan } from './worker-options.ts';

/** Time beyond the grace in which activities that were cut off hand over, in milliseconds. */
const HAND_OVER_MS = 3_000;
/** Time to close all connections. And `lambda-worker` begins to count only when it has connected. */
const CLOSE_MS = 3_000;
const LOOK_EVERY_MS = 1_000;

/** What one invocation works with: opened by it, and closed at its end, because then its environment is frozen. */
interface Invocation {
  work: WorkOptions;
  span: WorkSpan;
}

const config = loadLambdaWorkerConfig(process.env);
const { deploymentName, buildId } = config;
const forceAfterMs = config.shutdownGraceMs + HAND_OVER_MS;
const bufferMs = forceAfterMs + CLOSE_MS;
const invocations = new AsyncLocalStorage<Invocation>();

/** `lambda-worker` takes its settings once; what belongs to an invocation comes in when its worker is created. */
const plugin: WorkerPlugin = {
  name: 'holdfast',
  async configureWorker(options) {
    const { work, span } = invocations.getStore() as Invocation;
    await prepareNamespace(options, work);
    return { ...options, ...workerOptions(work, span), shutdownForceTime: forceAfterMs };
  },
  runWorker: (worker, next) => whileBusy(worker, () => next(worker)),
};

const run = runWorker({ deploymentName, buildId }, (lambda: LambdaWorkerConfig) => {
  const { namespace, ...connectionOptions } = config.temporal;
  lambda.namespace = namespace;
  lambda.connectionOptions = connectionOptions;
  lambda.shutdownDeadlineBufferMs = bufferMs;
  lambda.runtimeOptions = runtimeOptions(openLog(config));
  lambda.workerOptions.taskQueue = config.taskQueue;
  lambda.workerOptions.plugins = [plugin];
  // A run outlives deploys, and a pinned one would need the old version's function to its end; every change replays the
  // histories that exist. Not declared by the workflows: the server refuses that of a worker without a version.
  lambda.workerOptions.workerDeploymentOptions = { defaultVersioningBehavior: 'AUTO_UPGRADE' };
});

/**
 * The handler of the worker's function: `worker/lambda.handler`. It works until its deadline is near, then hands over what it
 * was doing, or until there has been nothing to do for a while. Temporal invokes it when there is work and nobody who takes it.
 */
export const handler: LambdaHandler = async (event, context) => {
  const timeLeftMs = Math.max(context.getRemainingTimeInMillis() - bufferMs, 0);
  // One round for each shift: a longer one would keep the invocation awake when there is nothing else to do.
  const span = { stopping: AbortSignal.timeout(timeLeftMs), shiftMs: 0 };
  await using shared = await openShared(config);
  const invocation = { work: workOptions(config, shared), span };
  try {
    await invocations.run(invocation, () => run(event, context));
  } catch (error) {
    // It ended ahead of its time, because there was nothing to do.
    if (!(error instanceof PromiseCompletionTimeoutError)) throw error;
  }
};

async function prepareNamespace(
  { connection }: WorkerOptions,
  { namespace, taskQueue, reconcileEverySeconds }: WorkOptions,
): Promise<void> {
  if (!connection) throw new Error('a worker without a connection');
  await ensureSearchAttributes(connection, namespace);
  await ensureReconciler(new Client({ connection, namespace }), taskQueue, reconcileEverySeconds);
}

/** Runs the worker, and stops it when it has had nothing to do for `HOLDFAST_LAMBDA_IDLE_MS`. */
async function whileBusy(worker: Worker, runToEnd: () => Promise<void>): Promise<void> {
  let busyAt = performance.now();
  const timer = setInterval(() => {
    const { runState, numInFlightActivities, numInFlightWorkflowActivations } = worker.getStatus();
    if (numInFlightActivities + numInFlightWorkflowActivations > 0) busyAt = performance.now();
    const idleMs = performance.now() - busyAt;
    if (idleMs >= config.lambdaIdleMs && runState === 'RUNNING') worker.shutdown();
  }, LOOK_EVERY_MS);
  try {
    await runToEnd();
  } finally {
    clearInterval(timer);
  }
}
