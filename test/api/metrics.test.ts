import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMetricsServer, type MetricsServer } from '../../api/open-metrics-server.ts';
import type { ErrorBody } from '../../contract/wire.ts';
import { createMetrics, type Metrics } from '../../metrics/create-metrics.ts';
import { openMemoryStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { freshFetch } from '../support/fresh-fetch.ts';
import { scrape } from '../support/metrics.ts';
import { createStoreFaults } from '../support/store-faults.ts';
import { openRoutes } from './routes-fixture.ts';

const as = (key: string) => ({ Authorization: `Bearer ${key}` });
const quiet = { warn: () => undefined, error: () => undefined };

async function refusalOf(response: Response) {
  return [response.status, ((await response.json()) as ErrorBody).error.code];
}

describe('the metrics of an API', () => {
  it('are in the text format of Prometheus', async () => {
    await using routes = await openRoutes();
    const response = await routes.get('/metrics');
    expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain(
      [
        '# HELP holdfast_end_commit_failures_total Ends of tasks that could not be stored. Each is tried again until it is.',
        '# TYPE holdfast_end_commit_failures_total counter',
        'holdfast_end_commit_failures_total 0',
      ].join('\n'),
    );
  });

  it('are for keys with the scope admin alone, of any owner', async () => {
    await using routes = await openRoutes();
    const admin = await routes.store.createKey('ada', ['admin']);
    const other = await routes.store.createKey('bob', ['tasks:read', 'tasks:write']);
    expect((await routes.get('/metrics', as(admin.key))).status).toBe(200);
    expect(await refusalOf(await routes.get('/metrics', as(other.key)))).toEqual([
      ...[403, 'forbidden'],
    ]);
    expect(await refusalOf(await routes.get('/metrics'))).toEqual([401, 'unauthenticated']);
  });
});

describe('the metrics of a process without an API', () => {
  let store: Store;
  let metrics: Metrics;
  const options = () => ({ store, metrics, log: quiet, host: '127.0.0.1', port: 0 });
  const served = async <T>(use: (server: MetricsServer) => Promise<T>, more = {}) => {
    await using server = await openMetricsServer({ ...options(), ...more });
    return await use(server);
  };
  beforeAll(async () => {
    store = await openMemoryStore();
    metrics = createMetrics();
    metrics.endCommitFailures.inc(3);
  });
  afterAll(() => store[Symbol.asyncDispose]());

  it('are for this machine alone while there are no keys, and nothing else is there', () =>
    served(async ({ url }) => {
      expect(await scrape(url)).toMatchObject({ holdfast_end_commit_failures_total: 3 });
      const rebound = { headers: { Origin: 'https://evil.example' } };
      expect(await refusalOf(await freshFetch(`${url}/metrics`, rebound))).toEqual([
        ...[403, 'forbidden'],
      ]);
      expect(await refusalOf(await freshFetch(`${url}/v1/tasks`))).toEqual([
        ...[404, 'route_not_found'],
      ]);
    }));

  it('are not served at another address without keys, and with keys to those with the scope', async () => {
    const host = '0.0.0.0';
    await expect(openMetricsServer({ ...options(), host })).rejects.toMatchObject({
      name: 'KeysMissing',
    });
    const admin = await store.createKey('ada', ['admin']);
    const other = await store.createKey('ada', ['tasks:read', 'tasks:write']);
    await served(
      async ({ url }) => {
        expect(await scrape(url, as(admin.key))).toHaveProperty('holdfast_feed_streams', 0);
        const ask = (headers = {}) => freshFetch(`${url}/metrics`, { headers });
        expect(await refusalOf(await ask())).toEqual([401, 'unauthenticated']);
        expect(await refusalOf(await ask(as(other.key)))).toEqual([403, 'forbidden']);
      },
      { host },
    );
  });

  it('can be read with a key that is known while the store is away, and with no other', async () => {
    const faults = createStoreFaults();
    const { key } = await store.createKey('ada', ['admin']);
    const unseen = await store.createKey('ada', ['admin']);
    await served(
      async ({ url }) => {
        await scrape(url, as(key));
        faults.refuseAll();
        expect(await scrape(url, as(key))).toHaveProperty('holdfast_feed_streams', 0);
        expect(
          await refusalOf(await freshFetch(`${url}/metrics`, { headers: as(unseen.key) })),
        ).toEqual([503, 'store_unavailable']);
      },
      { store: faults.wrap(store) },
    );
  });
});
