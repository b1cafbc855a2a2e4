import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Client } from '@temporalio/client';
import type { Agent } from '../agents/agent.ts';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';
import { createApp } from './app.ts';
import type { ApiConfig, AppDependencies } from './dependencies.ts';
import { createFeed } from './feed/create-feed.ts';
import { createHubs } from './feed/hubs.ts';
import { createRunClient } from './run-client.ts';
import { taskView } from './task-view.ts';
import { createTasks } from './tasks/create-tasks.ts';

export interface OpenApiOptions {
  store: Store;
  relay: Relay;
  client: Client;
  /** As `RunClientOptions.eagerStarter`. */
  eagerStarter?: Client | undefined;
  agents: readonly Agent[];
  log: AppDependencies['log'];
  settings: ApiConfig & {
    host: string;
    /** 0: any free port. */
    port: number;
    taskQueue: string;
    streamMaxMs: number;
    maxStreams: number;
  };
}

export interface RunningApi extends AsyncDisposable {
  /** Where it answers, without a slash at its end. */
  url: string;
}

/** Readiness asks Temporal with this deadline, in milliseconds. */
const READY_MS = 2_000;
/** Requests that are still open at shutdown get this long, in milliseconds. */
const DRAIN_MS = 5_000;

/** The API, listening. Disposing it ends every stream between two frames, lets requests end, and stops to listen. */
export async function openApi(options: OpenApiOptions): Promise<RunningApi> {
  const { store, relay, client, eagerStarter, agents, log, settings } = options;
  const runs = createRunClient({ client, eagerStarter, taskQueue: settings.taskQueue });
  const hubs = createHubs({ store, relay, runs });
  const { streamMaxMs, maxStreams } = settings;
  const feed = createFeed({
    hubs,
    streamMaxMs,
    maxStreams,
    view: (task) => taskView(task, settings),
  });
  const app = createApp({
    store,
    tasks: createTasks({ store, relay, runs, hubs }),
    feed,
    readiness: {
      store: () => store.ping(),
      temporal: () =>
        client.withDeadline(Date.now() + READY_MS, () => client.workflowService.getSystemInfo({})),
    },
    agents,
    config: settings,
    log,
  });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await feed.drain();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(force);
    },
  };
}
