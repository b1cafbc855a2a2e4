import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeyring } from '../../api/auth/keyring.ts';
import type { ErrorBody, StreamToken, Task } from '../../contract/wire.ts';
import { createStoreFaults } from '../support/store-faults.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

const as = (key: string) => ({ Authorization: `Bearer ${key}` });

async function answerOf(response: Response) {
  const { error } = (await response.json()) as Partial<ErrorBody>;
  return [response.status, error?.code];
}

describe('a service without keys', () => {
  let routes: RoutesFixture;
  beforeAll(async () => {
    routes = await openRoutes();
  });
  afterAll(() => routes[Symbol.asyncDispose]());

  it('takes everybody on this machine for local', async () => {
    const { id } = await routes.startTask();
    expect(await routes.store.getTask(id, 'local')).not.toBeNull();
  });

  it('refuses a key all the same: it cannot be one of its own', async () => {
    expect(await answerOf(await routes.get('/v1/tasks', as('holdfast_x')))).toEqual([
      ...[401, 'unauthenticated'],
    ]);
    expect((await routes.get('/v1/tasks')).status).toBe(200);
  });

  it('gives a placeholder for a stream token, and lets its holder read', async () => {
    const { id } = await routes.startTask();
    const { token, expires_at } = await tokenOf(routes, id);
    expect(expires_at).toBeNull();
    expect((await routes.get(`/v1/tasks/${id}/events?access_token=${token}`)).status).toBe(200);
  });

  it('is closed by the first key, at once for whoever has sent it', async () => {
    await using routes = await openRoutes();
    expect((await routes.get('/v1/tasks')).status).toBe(200);
    const { key } = await routes.store.createKey('ada', ['tasks:read']);
    expect((await routes.get('/v1/tasks', as(key))).status).toBe(200);
    expect(await answerOf(await routes.get('/v1/tasks'))).toEqual([401, 'unauthenticated']);
    expect((await routes.get('/healthz')).status).toBe(200);
  });
});

describe('a service with keys', () => {
  let routes: RoutesFixture;
  beforeAll(async () => {
    routes = await openRoutes();
    const { key } = await routes.store.createKey('somebody', ['tasks:read']);
    await routes.get('/v1/tasks', as(key));
  });
  afterAll(() => routes[Symbol.asyncDispose]());

  it('has another owner per key, and one owner may have several', async () => {
    const keys = await Promise.all(
      ['ada', 'ada', 'bob'].map((owner) =>
        routes.store.createKey(owner, ['tasks:read', 'tasks:write']),
      ),
    );
    const [first, second, other] = keys.map(({ key }) => as(key));
    const task = (await (await routes.post('/v1/tasks', { input: 'a' }, first)).json()) as Task;
    expect((await routes.get(`/v1/tasks/${task.id}`, second)).status).toBe(200);
    expect((await routes.get(`/v1/tasks/${task.id}`, other)).status).toBe(404);
  });

  it('answers under any name, and says whose pages may read its refusals', async () => {
    const { key } = await routes.store.createKey('ada', ['tasks:read']);
    await routes.get('/v1/tasks', as(key));
    const page = { Host: 'holdfast.example', Origin: 'https://app.example' };
    expect((await routes.get('/v1/tasks', { ...page, ...as(key) })).status).toBe(200);
    const refused = await routes.get('/v1/tasks', page);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example');
    const preflight = await routes.app.request('/v1/tasks', { method: 'OPTIONS', headers: page });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('Authorization');
    const foreign = await routes.get('/v1/tasks', { ...page, Origin: 'https://evil.example' });
    expect(foreign.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  it('says before it reads the body that there is no key', async () => {
    const { key } = await routes.store.createKey('ada', ['tasks:write']);
    const body = 'x'.repeat(2 * 1024 * 1024);
    expect(await answerOf(await routes.post('/v1/tasks', body, as(key)))).toEqual([
      ...[413, 'payload_too_large'],
    ]);
    expect(await answerOf(await routes.post('/v1/tasks', body))).toEqual([401, 'unauthenticated']);
  });

  it('opens to nobody while its store is away; a feed is told to come back', async () => {
    const { key } = await routes.store.createKey('ada', ['tasks:read']);
    const faults = createStoreFaults();
    const store = faults.wrap(routes.store);
    const keyring = await openKeyring(store, { trustMs: 1 });
    const app = routes.appWith({ store, keyring });
    faults.refuseAll();
    const ask = async (path: string, headers = {}) => app.request(path, { headers });
    expect(await answerOf(await ask('/v1/agents'))).toEqual([401, 'unauthenticated']);
    expect(await answerOf(await ask('/v1/agents', as(key)))).toEqual([503, 'store_unavailable']);
    const feed = await ask('/v1/tasks/task_x/events', as(key));
    expect([feed.status, await feed.text()]).toEqual([
      200,
      expect.stringMatching(/^retry: \d+\n\n$/),
    ]);
    const page = await ask('/v1/tasks/task_x/events', { ...as(key), Accept: 'application/json' });
    expect(await answerOf(page)).toEqual([503, 'store_unavailable']);
    expect((await ask('/healthz')).status).toBe(200);
  });

  it('writes neither keys nor tokens into its log', async () => {
    const { key } = await routes.store.createKey('ada', ['admin']);
    const task = (await (await routes.post('/v1/tasks', { input: 'a' }, as(key))).json()) as Task;
    const { token } = await tokenOf(routes, task.id, as(key));
    const broken = new Error('a bug');
    const failing = () => Promise.reject(broken);
    const app = routes.appWith({
      feed: {
        stream: failing,
        page: failing,
        streamGroup: failing,
        pageGroup: failing,
        drain: async () => {},
      },
    });
    const events = `/v1/tasks/${task.id}/events`;
    const responses = [
      await app.request(events, { headers: as(key) }),
      await app.request(`${events}?access_token=${token}`),
    ];
    expect(responses.map(({ status }) => status)).toEqual([500, 500]);
    expect(routes.logged).toHaveLength(2);
    const logged = inspect(routes.logged, { depth: null, showHidden: true });
    expect(logged).toContain('a bug');
    for (const secret of [key, token]) expect(logged).not.toContain(secret);
    for (const response of responses) expect(await response.text()).not.toContain(token);
  });

  it('gives the same stream token for the same key and task, and another for every other', async () => {
    const scopes = ['tasks:read', 'tasks:write'] as const;
    const [one, two] = (
      await Promise.all([1, 2].map(() => routes.store.createKey('ada', scopes)))
    ).map(({ key }) => as(key));
    const start = async () =>
      ((await (await routes.post('/v1/tasks', { input: 'a' }, one)).json()) as Task).id;
    const [id, other] = [await start(), await start()];
    const { token } = await tokenOf(routes, id, one);
    expect((await tokenOf(routes, id, one)).token).toBe(token);
    expect((await tokenOf(routes, id, two)).token).not.toBe(token);
    expect((await tokenOf(routes, other, one)).token).not.toBe(token);
  });

  it('lets a stream token read its feed and nothing else', async () => {
    const { key } = await routes.store.createKey('ada', ['tasks:read', 'tasks:write']);
    const start = async () =>
      ((await (await routes.post('/v1/tasks', { input: 'a' }, as(key))).json()) as Task).id;
    const [id, other] = [await start(), await start()];
    const { token } = await tokenOf(routes, id, as(key));
    const status = async (path: string, init: RequestInit = {}) =>
      (await routes.app.request(path, init)).status;
    const query = `?access_token=${token}`;
    const page = { Origin: 'https://app.example', Accept: 'text/event-stream' };
    expect(await status(`/v1/tasks/${id}/events${query}`, { headers: page })).toBe(200);
    expect(await status(`/v1/tasks/${id}/events${query}`, { method: 'HEAD' })).toBe(200);
    for (const path of [
      `/v1/tasks/${other}/events`,
      `/v1/tasks/${id}`,
      '/v1/tasks',
      '/v1/events',
    ]) {
      expect(await status(path + query), path).toBe(401);
    }
    for (const path of ['cancel', 'stream-token', 'events']) {
      const init = { method: 'POST' };
      expect(await status(`/v1/tasks/${id}/${path}${query}`, init), path).toBe(401);
    }
    expect(await status(`/v1/tasks/${id}/events`, { headers: as(token) })).toBe(401);
    expect(await status(`/v1/tasks/%00/events${query}`)).toBe(401);
    for (const wrong of [`${token}x`, token.slice(0, -1), token.replace(/.$/, '!'), '', key]) {
      expect(await status(`/v1/tasks/${id}/events?access_token=${wrong}`), wrong).toBe(401);
    }
  });
});

async function tokenOf(
  routes: RoutesFixture,
  id: string,
  headers: Record<string, string> = {},
): Promise<StreamToken> {
  const response = await routes.post(`/v1/tasks/${id}/stream-token`, {}, headers);
  expect(response.status).toBe(200);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return (await response.json()) as StreamToken;
}
