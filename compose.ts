import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';
import { createMetrics, type Metrics } from './metrics/create-metrics.ts';
import { measureRelay } from './metrics/measure-relay.ts';
import { measureStore } from './metrics/measure-store.ts';
import { openRelay } from './relay/open-relay.ts';
import type { Relay } from './relay/relay.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';

/** What API and worker share in one process. */
export interface Shared extends AsyncDisposable {
  store: Store;
  relay: Relay;
  metrics: Metrics;
  log: Logger;
}

/** Opens store and relay as the configuration says, and counts what is done with them. */
export async function openShared(config: Config): Promise<Shared> {
  const log = openLog(config);
  const metrics = createMetrics();
  const { databaseUrl, relayUrl, dataDir } = config;
  const tree = {
    maxDepth: config.maxTreeDepth,
    maxActive: config.maxTreeTasks,
    maxTokens: config.maxTreeTokens,
  };
  const store = await openStore({ databaseUrl, dataDir, tree });
  const relay = await openRelay({
    databaseUrl,
    relayUrl,
    onError(err) {
      metrics.relayErrors.inc();
      log.warn({ err }, 'the relay has trouble; readers heal from the log');
    },
  });
  return {
    store: measureStore(store, metrics),
    relay: measureRelay(relay, metrics),
    metrics,
    log,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** The log of a process: lines of JSON on stderr. */
export function openLog({ logLevel }: Config): Logger {
  return pino({ level: logLevel }, pino.destination({ fd: 2, sync: true }));
}
