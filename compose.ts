import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { untilAborted } from './activities/until-aborted.ts';
import { createModels } from './activities/models/create-models.ts';
import { agents } from './agents/index.ts';
import { openApi, type RunningApi } from './api/open-api.ts';
import { openTemporalConnection, probeTemporal } from './api/temporal-connection.ts';
import type { Config } from './config.ts';
import { openRelay } from './relay/open-relay.ts';
import type { Relay } from './relay/relay.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import { openWorker, type RunningWorker } from './worker/open-worker.ts';

/** What API and worker share in one process. */
export interface Shared extends AsyncDisposable {
  store: Store;
  relay: Relay;
  log: Logger;
}

/** Opens store and relay as the configuration says. */
export async function openShared(config: Config): Promise<Shared> {
  const log = pino({ level: config.logLevel }, pino.destination({ fd: 2, sync: true }));
  const { databaseUrl, relayUrl, dataDir } = config;
  const store = await openStore({ databaseUrl, dataDir });
  const relay = await openRelay({
    databaseUrl,
    relayUrl,
    onError: (err) => log.warn({ err }, 'the relay has trouble; readers heal from the log'),
  });
  return {
    store,
    relay,
    log,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/**
 * The API. Temporal need not be up: what is accepted meanwhile is started when it is. `worker`: one in this process, which
 * then takes on at once what is started here.
 */
export async function startApi(
  config: Config,
  { store, relay, log }: Shared,
  worker?: RunningWorker,
): Promise<RunningApi> {
  const { namespace, ...connectionOptions } = config.temporal;
  const connection = openTemporalConnection(connectionOptions);
  void probeTemporal(connectionOptions).catch((err: unknown) =>
    log.warn({ err }, `Temporal at ${connectionOptions.address} cannot be used yet`),
  );
  const api = await openApi({
    store,
    relay,
    agents,
    log,
    client: new Client({ connection, namespace }),
    eagerStarter: worker?.client,
    settings: {
      ...config,
      namespace,
      defaultAgent: agents[0]?.name ?? 'default',
      defaultModel: config.model,
    },
  });
  return {
    url: api.url,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

/** The worker. Waits for Temporal where it is not up yet, until `stop` is aborted. */
export async function startWorker(
  config: Config,
  { store, relay, log }: Shared,
  stop: AbortSignal,
): Promise<RunningWorker> {
  Runtime.install({
    // The process decides itself when it ends.
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) =>
      log[level === 'ERROR' ? 'error' : 'warn']({ ...meta }, message),
    ),
  });
  const { namespace } = config.temporal;
  const connection = await connect(config, log, stop);
  const worker = await openWorker({
    ...config,
    namespace,
    connection,
    store,
    relay,
    agents,
    models: createModels(config),
    defaults: { ...config, taskTimeoutMs: config.taskTimeoutSeconds * 1000 },
  });
  return {
    ...worker,
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await connection.close();
    },
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
