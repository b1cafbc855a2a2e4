import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultLogger, NativeConnection, Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { untilAborted } from './activities/until-aborted.ts';
import { createModels } from './activities/models/create-models.ts';
import { agents } from './agents/index.ts';
import type { Shared } from './compose.ts';
import type { Config } from './config.ts';
import { openWorker, type RunningWorker } from './worker/open-worker.ts';
import type { WorkOptions } from './worker/worker-options.ts';

/** The worker. Waits for Temporal where it is not up yet, until `stop` is aborted. */
export async function startWorker(
  config: Config,
  shared: Shared,
  stop: AbortSignal,
): Promise<RunningWorker> {
  const { log } = shared;
  Runtime.install(runtimeOptions(log));
  const connection = await connect(config, log, stop);
  const worker = await openWorker({ ...workOptions(config, shared), connection });
  return {
    ...worker,
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

/** The SDK's runtime: it writes to our log, and leaves it to the process when that ends. */
export function runtimeOptions(log: Logger): RuntimeOptions {
  return {
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) =>
      log[level === 'ERROR' ? 'error' : 'warn']({ ...meta }, message),
    ),
  };
}

/** What a worker works with, however it is run. */
export function workOptions(config: Config, { store, relay, metrics }: Shared): WorkOptions {
  return {
    ...config,
    namespace: config.temporal.namespace,
    store,
    relay,
    metrics,
    agents,
    models: createModels(config),
    defaults: { ...config, taskTimeoutMs: config.taskTimeoutSeconds * 1000 },
  };
}

const CONNECT_EVERY_MS = 1_000;

async function connect(config: Config, log: Logger, stop: AbortSignal): Promise<NativeConnection> {
  const { namespace: _, ...options } = config.temporal;
  for (;;) {
    try {
      return await untilAborted(NativeConnection.connect(options), stop);
    } catch (err) {
      stop.throwIfAborted();
      log.warn({ err }, `waiting for Temporal at ${config.temporal.address}`);
      await sleep(CONNECT_EVERY_MS, undefined, { signal: stop });
    }
  }
}
