import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createHoldfastClient, type HoldfastClient } from '../../client/create-holdfast-client.ts';
import { freePorts } from '../../cluster/free-ports.ts';
import { createPart, type Part } from '../../cluster/part.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { openDatabase, type ProxiedDatabase } from './database.ts';

/** What a test of runs must know, whatever carries them. */
export interface RunService {
  readonly client: HoldfastClient;
  readonly url: string;
  readonly model: ModelServer;
  /** Temporal, as an operator sees it. */
  readonly operator: Client;
  readonly taskQueue: string;
}

/** The service in processes of its own, around a scripted model. `api` and `worker` are one part where `npm start` runs both. */
export interface Service extends RunService, AsyncDisposable {
  readonly api: Part;
  readonly worker: Part;
  /** One more, which is not up yet; null where the only process that may open the store is up. */
  readonly secondWorker: Part | null;
  /** Between the service and Temporal, whose own address is `temporalAddress`. */
  readonly temporalProxy: TcpProxy;
  readonly temporalAddress: string;
  /** Stops the Temporal server, and starts it again on the same database and ports. */
  restartTemporal(): Promise<void>;
  /** Null: the store is within the service's own process. */
  readonly database: ProxiedDatabase | null;
}

/** Short times, so that what waits for them is quick. */
export const QUICK_SETTINGS = {
  HOLDFAST_HEARTBEAT_MS: '100',
  HOLDFAST_HEARTBEAT_TIMEOUT_MS: '1500',
  HOLDFAST_RETRY_BASE_MS: '50',
  HOLDFAST_MAX_MODEL_ATTEMPTS: '3',
  HOLDFAST_SHUTDOWN_GRACE_MS: '0',
};

const TASK_QUEUE = 'holdfast';

export interface OpenServiceOptions {
  settings?: Record<string, string>;
  /** `one`: `node main.ts` with PGlite. `two`: API and worker on PostgreSQL, where a server can be reached; else as `one`. */
  processes: 'one' | 'two';
}

/** Starts Temporal, the model and the service. */
export async function openService({ settings, processes }: OpenServiceOptions): Promise<Service> {
  // What is open is closed again where the rest does not come up.
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-faults-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  const model = resources.use(await startModelServer());
  const database = processes === 'two' ? await openDatabase() : null;
  if (database) resources.use(database);
  let temporal = await startTemporal({ dataDir });
  resources.defer(() => temporal.stop());
  const { address, uiUrl, ports } = temporal;
  const connection = Connection.lazy({ address });
  resources.defer(() => connection.close());
  const temporalProxy = resources.use(await startTcpProxy(targetOf(address)));

  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const all = {
    ...QUICK_SETTINGS,
    TASK_QUEUE,
    PORT: String(port),
    DATA_DIR: dataDir,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalProxy.port}`,
    TEMPORAL_UI_URL: uiUrl,
    OPENAI_BASE_URL: model.url,
    ...(database && { DATABASE_URL: database.url }),
    ...settings,
  };
  const api = createPart(database ? 'api/main.ts' : 'main.ts', all);
  const worker = database ? createPart('worker/main.ts', all) : api;
  const secondWorker = database ? createPart('worker/main.ts', all) : null;
  for (const part of [api, worker, secondWorker])
    resources.defer(() => part?.stop('SIGKILL').then(() => undefined));
  await Promise.all([api.start(), worker.start()]);
  const opened = resources.move();
  return {
    client: createHoldfastClient({ baseUrl: url }),
    url,
    model,
    api,
    worker,
    secondWorker,
    temporalProxy,
    temporalAddress: address,
    operator: new Client({ connection }),
    taskQueue: TASK_QUEUE,
    async restartTemporal() {
      await temporal.stop();
      temporal = await startTemporal({ dataDir, ports });
    },
    database,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function targetOf(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: Number(port) };
}
