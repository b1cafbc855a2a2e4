import path from 'node:path';
import { openOwnDatabase } from '../../cluster/own-database.ts';
import { freePorts } from '../../cluster/free-ports.ts';
import { startProcess, type Entry, type ServiceProcess } from '../../cluster/service-process.ts';
import type { Environment } from '../system.ts';

/** How Holdfast is laid out. */
export interface HoldfastShape {
  /** `one`: `npm start`, with everything in one process; else so many processes of each kind. */
  processes: 'one' | { apis: number; workers: number };
  /** `embedded`: PGlite, as `npm start` has it by itself. */
  store: 'embedded' | 'postgres';
  /** `silent`: API and workers are told different ones, so that nothing comes through. */
  relay: 'default' | 'redis' | 'silent';
}

export interface HoldfastProcesses extends AsyncDisposable {
  readonly apiUrls: readonly string[];
  readonly settings: Record<string, string>;
  readonly taskQueue: string;
  pids(): number[];
  apiPids(): number[];
  /** Kills the workers, and where everything is in one process that one, and starts them again. */
  crash(): Promise<void>;
}

/** A process, and how it is started again. */
interface Part {
  entry: Entry;
  settings: Record<string, string>;
  running: ServiceProcess;
}

/** Starts Holdfast's processes. */
export async function startHoldfast(
  environment: Environment,
  shape: HoldfastShape,
): Promise<HoldfastProcesses> {
  await using resources = new AsyncDisposableStack();
  const taskQueue = `bench-${path.basename(environment.scratchDir)}`;
  const own = async (purpose: string) =>
    resources.use(await openOwnDatabase(environment.postgresUrl, purpose)).url;
  const common: Record<string, string> = {
    TASK_QUEUE: taskQueue,
    DATA_DIR: environment.scratchDir,
    TEMPORAL_ADDRESS: environment.temporalAddress,
    OPENAI_BASE_URL: environment.modelUrl,
    // The readers that do not read need a run that says much.
    HOLDFAST_MAX_TOKENS: '100000000',
    ...(shape.store === 'postgres' && { DATABASE_URL: await own('bench') }),
    ...(shape.relay === 'redis' && { RELAY_URL: environment.redisUrl }),
  };
  const deaf = shape.relay === 'silent' ? { RELAY_URL: await own('bench_relay') } : {};

  const parts: Part[] = [];
  const start = async (entry: Entry, settings: Record<string, string>) => {
    const part = { entry, settings, running: await startProcess(entry, settings) };
    resources.defer(async () => void (await part.running.end('SIGKILL')));
    parts.push(part);
  };
  const { apis, workers } = shape.processes === 'one' ? { apis: 1, workers: 0 } : shape.processes;
  const ports = await freePorts(apis);
  const apiEntry = shape.processes === 'one' ? 'main.ts' : 'api/main.ts';
  for (const port of ports) await start(apiEntry, { ...common, PORT: String(port) });
  for (let count = 0; count < workers; count += 1) {
    await start('worker/main.ts', { ...common, ...deaf });
  }
  const carriers = parts.filter(({ entry }) => entry !== 'api/main.ts');
  const opened = resources.move();
  return {
    apiUrls: ports.map((port) => `http://127.0.0.1:${port}`),
    settings: describe(shape),
    taskQueue,
    pids: () => parts.map(({ running }) => running.pid),
    apiPids: () => parts.slice(0, apis).map(({ running }) => running.pid),
    async crash() {
      await Promise.all(carriers.map(({ running }) => running.end('SIGKILL')));
      await Promise.all(
        carriers.map(async (part) => {
          part.running = await startProcess(part.entry, part.settings);
        }),
      );
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function describe({ processes, store, relay }: HoldfastShape): Record<string, string> {
  return {
    processes: processes === 'one' ? 'one' : `${processes.apis} API, ${processes.workers} worker`,
    store,
    relay: relay !== 'default' ? relay : store === 'embedded' ? 'in process' : 'postgres',
    other: 'defaults, but HOLDFAST_MAX_TOKENS=100000000',
  };
}
