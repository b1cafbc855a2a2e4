import type { Client } from '@temporalio/client';
import type { MiddlewareHandler } from 'hono';
import type { Agent } from '../agents/agent.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import type { Relay } from '../relay/relay.ts';
import { createRunClient } from '../runs/run-client.ts';
import type { Store } from '../store/store.ts';
import { createApp } from './app.ts';
import type { Keyring } from './auth/keyring.ts';
import type { ApiConfig, App, AppDependencies } from './dependencies.ts';
import { createFeed } from './feed/create-feed.ts';
import { createHubs } from './feed/hubs.ts';
import { taskView } from './task-view.ts';
import { createTasks } from './tasks/create-tasks.ts';

export interface OpenAppOptions {
  store: Store;
  relay: Relay;
  client: Client;
  /** As `RunClientOptions.eagerStarter`. */
  eagerStarter?: Client | undefined;
  agents: readonly Agent[];
  metrics: Metrics;
  log: AppDependencies['log'];
  keyring: Keyring;
  /** Refuses callers who may not use the API while there are no keys. */
  guard: MiddlewareHandler;
  settings: ApiConfig & { taskQueue: string; streamMaxMs: number; maxStreams: number };
}

export interface OpenApp {
  app: App;
  /** Says from now on that it is not ready, and serves all the same. */
  leave(): void;
  /** Ends every stream between two frames, refuses new ones, and waits for starts that are on their way to Temporal. */
  drain(): Promise<void>;
}

/** Readiness asks Temporal with this deadline, in milliseconds. */
const READY_MS = 2_000;

/** The API over what it works on, listening to nothing. What it is given outlives it. */
export function openApp(options: OpenAppOptions): OpenApp {
  const { store, relay, client, eagerStarter, agents, metrics, log, keyring, guard, settings } =
    options;
  const runs = createRunClient({
    client: () => client,
    eagerStarter,
    taskQueue: settings.taskQueue,
  });
  const hubs = createHubs({ store, relay, runs, metrics });
  const tasks = createTasks({ store, relay, runs, hubs, metrics });
  const { streamMaxMs, maxStreams } = settings;
  const feed = createFeed({
    hubs,
    store,
    relay,
    streamMaxMs,
    maxStreams,
    metrics,
    view: (task) => taskView(task, settings),
  });
  let shuttingDown = false;
  const app = createApp({
    store,
    tasks,
    feed,
    readiness: {
      shuttingDown: () => shuttingDown,
      store: () => store.ping(),
      temporal: () =>
        client.withDeadline(Date.now() + READY_MS, () => client.workflowService.getSystemInfo({})),
    },
    agents,
    metrics,
    keyring,
    guard,
    config: settings,
    log,
  });
  return {
    app,
    leave: () => void (shuttingDown = true),
    async drain() {
      await Promise.all([feed.drain(), tasks.settled()]);
    },
  };
}
