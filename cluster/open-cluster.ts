import { randomBytes } from 'node:crypto';
import { startBalancer } from './balancer.ts';
import { freePorts } from './free-ports.ts';
import { openOwnDatabase } from './own-database.ts';
import { createPart, type Part } from './part.ts';
import { startProductionTemporal } from './production-temporal.ts';
import { startTemporalUi } from './temporal-ui.ts';

export interface OpenClusterOptions {
  /** A PostgreSQL server on which databases can be made. */
  postgresUrl: string;
  /** Left out: the relay goes by PostgreSQL. */
  redisUrl?: string;
  /** How many replicas of each; 2 where left out. */
  apis?: number;
  workers?: number;
  /** `host:port` of a production server that is up; left out: one of its own. */
  temporalAddress?: string;
  /** Port of the balancer; left out: any free one. */
  port?: number;
  /** Port of Temporal's Web UI; left out: there is none. */
  temporalUiPort?: number;
  /** Environment of every process, on top of what the shape itself sets. */
  settings?: Record<string, string>;
  /** Where the output of every process goes. */
  output?: NodeJS.WritableStream;
}

/** An API process. */
export interface Replica extends Part {
  readonly url: string;
}

/** The production shape on this machine: replicas of API and worker, one database, Temporal's production server. */
export interface Cluster extends AsyncDisposable {
  /** The balancer. Each connection goes to the next API that is up, without stickiness. */
  readonly url: string;
  readonly apis: readonly Replica[];
  readonly workers: readonly Part[];
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly taskQueue: string;
}

/**
 * Brings the shape up, on free ports and a fresh database. Disposing it ends every process by SIGTERM and drops the database.
 * Throws `NoPostgres`, `ScriptFailed`, or what a process said that did not start.
 */
export async function openCluster(options: OpenClusterOptions): Promise<Cluster> {
  const { postgresUrl, redisUrl, output } = options;
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await openOwnDatabase(postgresUrl, 'cluster'));
  const temporalAddress =
    options.temporalAddress ??
    resources.use(await startProductionTemporal({ postgresUrl })).address;
  // A Temporal server may carry several clusters.
  const taskQueue = `holdfast-${randomBytes(6).toString('hex')}`;
  const { temporalUiPort } = options;
  if (temporalUiPort) resources.use(await startTemporalUi(temporalAddress, temporalUiPort));
  const settings = {
    DATABASE_URL: database.url,
    ...(temporalUiPort && { TEMPORAL_UI_URL: `http://127.0.0.1:${temporalUiPort}` }),
    ...(redisUrl !== undefined && { RELAY_URL: redisUrl }),
    TEMPORAL_ADDRESS: temporalAddress,
    TASK_QUEUE: taskQueue,
    ...options.settings,
  };
  const ports = await freePorts(options.apis ?? 2);
  const balancer = resources.use(await startBalancer(ports, options.port));
  const apis = ports.map((port) => ({
    ...createPart('api/main.ts', { ...settings, PORT: String(port) }, output),
    url: `http://127.0.0.1:${port}`,
  }));
  const workers = Array.from({ length: options.workers ?? 2 }, () =>
    createPart('worker/main.ts', settings, output),
  );
  const parts = [...apis, ...workers];
  resources.defer(async () => {
    await Promise.all(parts.map((part) => part.stop('SIGTERM')));
  });
  await Promise.all(parts.map((part) => part.start()));
  const opened = resources.move();
  return {
    url: `http://127.0.0.1:${balancer.port}`,
    apis,
    workers,
    databaseUrl: database.url,
    temporalAddress,
    taskQueue,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
