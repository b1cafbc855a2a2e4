import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openOwnDatabase } from '../../cluster/own-database.ts';
import { openStore } from '../../store/open-store.ts';
import { createFunction, type LambdaFunction } from '../support/lambda/function.ts';
import { openFront } from '../support/lambda/http-front.ts';
import { POSTGRES_URL } from '../support/servers.ts';
import { API } from './serverless-service.ts';

describe('the function of the API with keys', () => {
  const resources = new AsyncDisposableStack();
  let fn: LambdaFunction;
  let key: string;
  beforeAll(async () => {
    const { url } = resources.use(await openOwnDatabase(POSTGRES_URL, 'keys'));
    const store = resources.use(await openStore({ databaseUrl: url, dataDir: '' }));
    ({ key } = await store.createKey('ada', ['tasks:read']));
    const settings = { DATABASE_URL: url, TEMPORAL_ADDRESS: inject('temporalAddress') };
    fn = resources.use(createFunction({ ...API, settings, timeoutMs: 60_000 }));
  });
  afterAll(() => resources.disposeAsync());

  it.each([
    ['function-url', false],
    ['function-url', true],
    ['rest-api', false],
    ['rest-api', true],
  ] as const)('lets in who has one, whatever IAM says: %s, signed: %s', async (kind, iam) => {
    await using front = await openFront(fn, { kind, iam });
    const ask = (path: string, init?: RequestInit) => fetch(front.url + path, init);
    const headers = { Authorization: `Bearer ${key}` };
    const list = await ask('/v1/tasks', { headers });
    expect([list.status, await list.json()]).toEqual([200, { data: [], next_cursor: null }]);
    expect((await ask('/v1/tasks')).status).toBe(401);
    expect((await ask('/v1/tasks', { method: 'POST', headers })).status).toBe(403);
    expect((await ask('/v1/tasks/task_x/events', { headers })).status).toBe(404);
    expect((await ask('/healthz')).status).toBe(200);
  });
});
