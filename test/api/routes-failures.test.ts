import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../store/errors.ts';
import { openRoutes, READY, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

describe('health and failures', () => {
  it('says by name what is not ready', async () => {
    expect(await (await routes.get('/healthz')).json()).toEqual({ status: 'ok' });
    expect(await (await routes.get('/readyz')).json()).toEqual({
      status: 'ready',
      checks: { store: 'ok', temporal: 'ok' },
    });
    const app = routes.appWith({ readiness: { ...READY, temporal: () => fail() } });
    const response = await app.request('/readyz');
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'unavailable', checks: { store: 'ok', temporal: 'unavailable' } },
    ]);
    const leaving = routes.appWith({ readiness: { ...READY, shuttingDown: () => true } });
    const refusal = await leaving.request('/readyz');
    expect([refusal.status, await refusal.json()]).toEqual([
      503,
      { status: 'shutting_down', checks: {} },
    ]);
  });

  it('answers 503 with Retry-After while the store is away', async () => {
    const away = () => Promise.reject(new StoreUnavailable('secret host is down'));
    const app = routes.appWith({
      store: { ...routes.store, getTask: away, listTasks: away },
      tasks: {
        start: away,
        cancel: away,
        cancelConversation: away,
        message: away,
        decide: away,
        forget: away,
        forgetEnded: away,
        forgetConversation: away,
        live: away,
      },
    });
    const body = {
      method: 'POST',
      body: '{"input":"a"}',
      headers: { 'Content-Type': 'application/json' },
    };
    for (const response of [await app.request('/v1/tasks', body), await app.request('/v1/tasks')]) {
      expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '1']);
      expect(await response.text()).toMatch(/store_unavailable(?!.*secret)/);
    }
  });

  it('answers a bug with internal, and tells its text to the log alone', async () => {
    const app = routes.appWith({ store: { ...routes.store, listTasks: () => fail() } });
    const response = await app.request('/v1/tasks', { headers: { 'X-Request-Id': 'bug-1' } });
    expect([response.status, response.headers.get('X-Request-Id')]).toEqual([500, 'bug-1']);
    const body = await response.text();
    expect(body).toContain('"internal"');
    expect(body).not.toContain('the bug');
    expect(routes.logged.at(-1)).toMatchObject({ request_id: 'bug-1', err: new Error('the bug') });
  });
});

function fail(): Promise<never> {
  return Promise.reject(new Error('the bug'));
}
