import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import { openCluster, type Cluster } from '../../cluster/open-cluster.ts';
import { QUICK_SETTINGS, type RunService } from '../faults/service.ts';
import { freshFetch } from '../support/fresh-fetch.ts';
import { startModelServer, type Turn } from '../support/model-server.ts';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.ts';

/** A cluster around a scripted model. Its client gets another replica at each request. */
export interface ClusterService extends RunService, AsyncDisposable {
  readonly cluster: Cluster;
  /** Scripts a model of its own, and gives its name for a start. */
  script(...turns: Turn[]): { model: string; key: string };
}

/** Two APIs and two workers, on the Temporal server and with the relay of the project. */
export async function openClusterService(
  settings: Record<string, string> = {},
): Promise<ClusterService> {
  await using resources = new AsyncDisposableStack();
  const model = resources.use(await startModelServer());
  const temporalAddress = inject('temporalAddress');
  const cluster = resources.use(
    await openCluster({
      postgresUrl: POSTGRES_URL,
      ...(inject('clusterRelay') === 'redis' && { redisUrl: REDIS_URL }),
      temporalAddress,
      settings: { ...QUICK_SETTINGS, OPENAI_BASE_URL: model.url, ...settings },
    }),
  );
  const connection = Connection.lazy({ address: temporalAddress });
  resources.defer(() => connection.close());
  const opened = resources.move();
  return {
    cluster,
    model,
    url: cluster.url,
    client: createHoldfastClient({ baseUrl: cluster.url, fetch: freshFetch }),
    operator: new Client({ connection }),
    taskQueue: cluster.taskQueue,
    script(...turns) {
      const key = randomBytes(8).toString('hex');
      model.script(key, turns);
      return { model: `openai-compatible/${key}`, key };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Clients of the two APIs, each of one alone. */
export function clientsOf({ cluster }: ClusterService) {
  const [a, b] = cluster.apis.map(({ url }) => createHoldfastClient({ baseUrl: url }));
  if (!a || !b) throw new Error('a cluster has two APIs');
  return { a, b };
}
