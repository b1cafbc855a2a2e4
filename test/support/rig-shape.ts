import { inject } from 'vitest';
import { openOwnDatabase } from '../../cluster/own-database.ts';
import { createMetrics, type Metrics } from '../../metrics/create-metrics.ts';
import { measureRelay } from '../../metrics/measure-relay.ts';
import { measureStore } from '../../metrics/measure-store.ts';
import { openRelay } from '../../relay/open-relay.ts';
import type { Relay } from '../../relay/relay.ts';
import { openMemoryStore, openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { createTestRelay, type RelayMood } from './relays.ts';
import { POSTGRES_URL, REDIS_URL, type ClusterRelay } from './servers.ts';

/** What a process of the service opens for itself. */
export interface Ground {
  store: Store;
  relay: Relay;
  metrics: Metrics;
}

/** What a rig stands on. */
export interface RigShape extends AsyncDisposable {
  /** How many APIs and how many workers a rig begins with. */
  readonly replicas: number;
  /** For one more API or worker. Closed with the shape. */
  openGround(): Promise<Ground>;
}

export interface RigShapeOptions {
  mood: RelayMood;
  /** Stands between the service and its store. */
  wrapStore: (store: Store) => Store;
  onRelayError: (error: unknown) => void;
}

/** The shape of the project that the test runs in. */
export function openRigShape(options: RigShapeOptions): Promise<RigShape> {
  const relay = inject('clusterRelay');
  return relay ? openCluster(options, relay) : openProcess(options);
}

/** API and worker share a store in memory and a relay in process. */
async function openProcess({ mood, wrapStore }: RigShapeOptions): Promise<RigShape> {
  const memory = await openMemoryStore();
  const ground = measured(wrapStore(memory), createTestRelay(mood));
  return {
    replicas: 1,
    openGround: () => Promise.resolve(ground),
    async [Symbol.asyncDispose]() {
      await ground.relay[Symbol.asyncDispose]();
      await memory[Symbol.asyncDispose]();
    },
  };
}

/** As a process counts what is done with them. */
function measured(store: Store, relay: Relay): Ground {
  const metrics = createMetrics();
  return { store: measureStore(store, metrics), relay: measureRelay(relay, metrics), metrics };
}

/** Few connections, because there are many pools; and patience, because so many processes in one wait for each other. */
const POOL = { dataDir: '', poolSize: 4, connectTimeoutMs: 20_000 };

/** Two of each, with a pool and a relay connection each, as processes of their own have them. */
async function openCluster(
  { wrapStore, onRelayError }: RigShapeOptions,
  relay: ClusterRelay,
): Promise<RigShape> {
  const relayUrl = relay === 'redis' ? REDIS_URL : undefined;
  const resources = new AsyncDisposableStack();
  const { url: databaseUrl } = resources.use(await openOwnDatabase(POSTGRES_URL, 'rig'));
  return {
    replicas: 2,
    async openGround() {
      const store = resources.use(await openStore({ databaseUrl, ...POOL }));
      const relay = resources.use(
        await openRelay({ databaseUrl, relayUrl, onError: onRelayError }),
      );
      return measured(wrapStore(store), relay);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
