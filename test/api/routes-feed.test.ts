import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../api/errors.ts';
import type { Feed } from '../../api/ports.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('the feed', () => {
  it('is SSE unless JSON is asked for; Last-Event-ID goes before after', async () => {
    const { id } = await routes.startTask();
    const stream = await routes.get(`/v1/tasks/${id}/events?after=2&deltas=false`, {
      'Last-Event-ID': `${id}:3`,
      Accept: '*/*',
    });
    expect(stream.headers.get('Content-Type')).toContain('text/event-stream');
    expect(routes.streams.at(-1)).toMatchObject({ cursor: `${id}:3`, deltas: false });
    const page = await routes.get(`/v1/tasks/${id}/events?after=2&limit=5&wait_ms=0`, {
      Accept: 'application/json',
    });
    expect(await page.json()).toEqual({ data: [], next: `${id}:2`, last_seq: 2, terminal: false });
  });

  it('answers what passes by itself with 200 and a clean end, so that EventSource comes back', async () => {
    const { id } = await routes.startTask();
    for (const code of ['shutting_down', 'too_many_streams', 'store_unavailable'] as const) {
      const refusing = () => Promise.reject(new ApiError(code, 'Later.'));
      const feed: Feed = { stream: refusing, page: refusing, drain: refusing };
      const app = routes.appWith({ feed });
      const stream = await app.request(`/v1/tasks/${id}/events`);
      expect([stream.status, await stream.text()]).toEqual([
        200,
        expect.stringMatching(/^retry: \d+\n\n$/),
      ]);
      const page = await app.request(`/v1/tasks/${id}/events`, {
        headers: { Accept: 'application/json' },
      });
      expect(await codeOf(page)).toBe(code);
      expect(page.headers.get('Retry-After')).toBe('1');
    }
  });

  it('opens no stream for HEAD', async () => {
    const { id } = await routes.startTask();
    const before = routes.streams.length;
    const response = await routes.app.request(`/v1/tasks/${id}/events`, { method: 'HEAD' });
    expect([response.status, routes.streams.length]).toEqual([200, before]);
  });
});
