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
    const { id } = await routes.startTask({ conversation_id: 'conv_passing' });
    const paths = [`/v1/tasks/${id}/events`, '/v1/conversations/conv_passing/events'];
    for (const code of ['shutting_down', 'too_many_streams', 'store_unavailable'] as const) {
      const refusing = () => Promise.reject(new ApiError(code, 'Later.'));
      const feed: Feed = {
        stream: refusing,
        page: refusing,
        streamGroup: refusing,
        pageGroup: refusing,
        drain: refusing,
      };
      const app = routes.appWith({ feed });
      for (const path of [...paths, '/v1/events']) {
        const stream = await app.request(path);
        expect([stream.status, await stream.text()]).toEqual([
          200,
          expect.stringMatching(/^retry: \d+\n\n$/),
        ]);
        const page = await app.request(path, { headers: { Accept: 'application/json' } });
        expect(await codeOf(page)).toBe(code);
        expect(page.headers.get('Retry-After')).toBe('1');
      }
    }
  });

  it('opens no stream for HEAD', async () => {
    const { id } = await routes.startTask();
    const before = routes.streams.length;
    for (const path of [`/v1/tasks/${id}/events`, '/v1/events']) {
      const response = await routes.app.request(path, { method: 'HEAD' });
      expect([response.status, routes.streams.length]).toEqual([200, before]);
    }
  });
});

describe('the feed of several tasks', () => {
  it('is of a conversation, or of everything that the caller owns, then without deltas', async () => {
    const conversationId = 'conv_several';
    await routes.startTask({ conversation_id: conversationId });
    const after = `${conversationId}:MA`;
    await routes.get(`/v1/conversations/${conversationId}/events?after=${after}`);
    expect(routes.streams.at(-1)).toMatchObject({
      group: { owner: 'local', conversationId },
      cursor: after,
      deltas: true,
    });
    await routes.get('/v1/events', { 'Last-Event-ID': 'events:MA' });
    expect(routes.streams.at(-1)).toMatchObject({
      group: { owner: 'local', conversationId: null },
      cursor: 'events:MA',
      deltas: false,
    });
    const page = await routes.get('/v1/events?after=0', { Accept: 'application/json' });
    expect(await page.json()).toEqual({ data: [], next: 'events:MA' });
  });

  it('is absent for a conversation that is not there', async () => {
    for (const id of ['conv_absent', 'no-conversation']) {
      for (const Accept of ['text/event-stream', 'application/json']) {
        const response = await routes.get(`/v1/conversations/${id}/events`, { Accept });
        expect([response.status, await codeOf(response)]).toEqual([404, 'conversation_not_found']);
      }
    }
  });
});
