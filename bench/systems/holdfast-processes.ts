import path from 'node:path';
import { freePorts } from '../../cluster/free-ports.ts';
import { openOwnDatabase } from '../../cluster/own-database.ts';
import { createPart, type Part } from '../../cluster/part.ts';
import { NODE_FLAGS } from '../../cluster/service-process.ts';
import type { Environment } from '../system.ts';

/** How Holdfast is laid out. */
export interface HoldfastShape {
  /** `one`: `npm start`, with everything in one process; else so many processes of each kind. */
  processes: 'one' | { apis: number; workers: number };
  /** `embedded`: PGlite, as `npm start` has it by itself. */
  store: 'embedded' | 'postgres';
  /** `silent`: API and workers are told different ones, so that nothing comes through. */
  relay: 'in-process' | 'postgres' | 'redis' | 'silent';
}

export interface HoldfastProcesses extends AsyncDisposable {
  readonly apiUrls: readonly string[];
  readonly settings: Record<string, string>;
  pids(): number[];
  apiPids(): number[];
  /** Kills the workers, and where everything is in one process that one, and starts them again. */
  crash(): Promise<void>;
}

/** Starts Holdfast's processes on a database of their own. */
export async function startHoldfast(
  environment: Environment,
  shape: HoldfastShape,
): Promise<HoldfastProcesses> {
  await using resources = new AsyncDisposableStack();
  const own = async (purpose: string) =>
    resources.use(await openOwnDatabase(environment.postgresUrl, purpose)).url;
  const settings = {
    ...settingsOf(environment, shape),
    ...(shape.store === 'postgres' && { DATABASE_URL: await own('bench') }),
  };
  const deaf = shape.relay === 'silent' ? { RELAY_URL: await own('bench_relay') } : {};

  const isOne = shape.processes === 'one';
  const { apis: apiCount, workers: workerCount } =
    shape.processes === 'one' ? { apis: 1, workers: 0 } : shape.processes;
  const ports = await freePorts(apiCount);
  const apis = ports.map((port) =>
    createPart(isOne ? 'main.ts' : 'api/main.ts', { ...settings, PORT: String(port) }),
  );
  const workers = Array.from({ length: workerCount }, () =>
    createPart('worker/main.ts', { ...settings, ...deaf }),
  );
  const parts = [...apis, ...workers];
  resources.defer(async () => void (await stopAll(parts, 'SIGTERM')));
  await startAll(parts);
  const carriers = isOne ? apis : workers;
  const opened = resources.move();
  return {
    apiUrls: ports.map((port) => `http://127.0.0.1:${port}`),
    settings: describe(shape),
    pids: () => pidsOf(parts),
    apiPids: () => pidsOf(apis),
    async crash() {
      await stopAll(carriers, 'SIGKILL');
      await startAll(carriers);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function settingsOf(
  { scratchDir, temporalAddress, modelUrl, redisUrl, profileDir }: Environment,
  { relay }: HoldfastShape,
): Record<string, string> {
  return {
    TASK_QUEUE: `bench-${path.basename(scratchDir)}`,
    DATA_DIR: scratchDir,
    TEMPORAL_ADDRESS: temporalAddress,
    OPENAI_BASE_URL: modelUrl,
    // The readers that do not read need a run that says much.
    HOLDFAST_MAX_TOKENS: '100000000',
    ...(relay === 'redis' && { RELAY_URL: redisUrl }),
    ...(relay === 'in-process' && { RELAY_URL: 'in-process' }),
    ...(profileDir && {
      NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${path.resolve(profileDir)}`,
    }),
  };
}

function describe({ processes, store, relay }: HoldfastShape): Record<string, string> {
  return {
    processes: processes === 'one' ? 'one' : `${processes.apis} API, ${processes.workers} worker`,
    store,
    relay,
    node: `${process.version}, ${NODE_FLAGS.join(' ')} (as npm start has it)`,
    other: 'defaults, but HOLDFAST_MAX_TOKENS=100000000',
  };
}

const startAll = (parts: readonly Part[]) => Promise.all(parts.map((part) => part.start()));
const stopAll = (parts: readonly Part[], signal: 'SIGTERM' | 'SIGKILL') =>
  Promise.all(parts.map((part) => part.stop(signal)));
const pidsOf = (parts: readonly Part[]) => parts.flatMap((part) => part.pid() ?? []);
