import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardLoopback } from '../../api/guard.ts';
import type { ErrorBody } from '../../contract/wire.ts';
import { apiConfig, openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

const OWN = 'http://localhost:8080';
const answer = async (response: Response) => [
  response.status,
  ((await response.json()) as ErrorBody).error?.code,
];

describe('Host and Origin', () => {
  it.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST:1',
    '127.0.0.1:8080',
    '127.8.9.10',
    '[::1]:8080',
  ])('Host %s may ask', async (host) =>
    expect((await routes.get('/healthz', { Host: host })).status).toBe(200),
  );

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '10.0.0.1:8080',
    '[::ffff:10.0.0.1]',
    '0.0.0.0:8080',
    'not a host',
  ])('Host %s is refused: the name may have been rebound', async (host) => {
    expect(await answer(await routes.get('/v1/tasks', { Host: host }))).toEqual([403, 'forbidden']);
  });

  it.each([OWN, 'http://127.0.0.1:8080', 'https://app.example'])(
    'Origin %s may ask',
    async (origin) => {
      const response = await routes.post(
        '/v1/tasks',
        { input: 'a' },
        { Host: 'localhost:8080', Origin: origin },
      );
      expect(response.status).toBe(202);
    },
  );

  it.each([
    'https://evil.example',
    'http://localhost:3000',
    'null',
    'https://app.example.evil.example',
    'http://app.example',
    '',
  ])('Origin %o is refused, and nothing is stored', async (origin) => {
    const before = await routes.stored();
    const response = await routes.post(
      '/v1/tasks',
      { input: 'a' },
      { Host: 'localhost:8080', Origin: origin },
    );
    expect(await answer(response)).toEqual([403, 'forbidden']);
    expect(await routes.stored()).toEqual(before);
  });
});

describe('CORS', () => {
  it('lets a configured origin send and read what it needs', async () => {
    const preflight = await routes.app.request(`${OWN}/v1/tasks`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example');
    for (const name of ['Last-Event-ID', 'Idempotency-Key', 'Content-Type']) {
      expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain(name);
    }
    const response = await routes.get('/v1/tasks', { Origin: 'https://app.example' });
    for (const name of ['Location', 'X-Request-Id', 'Retry-After']) {
      expect(response.headers.get('Access-Control-Expose-Headers')).toContain(name);
    }
  });

  it('gives nothing to a preflight from elsewhere, or where no origin is configured', async () => {
    const request = (origin: string) => ({ method: 'OPTIONS', headers: { Origin: origin } });
    const foreign = await routes.app.request(`${OWN}/v1/tasks`, request('https://evil.example'));
    expect(foreign.headers.get('Access-Control-Allow-Origin')).toBeNull();
    const app = routes.appWith({
      config: { ...apiConfig, corsOrigins: [] },
      guard: guardLoopback([]),
    });
    const closed = await app.request(`${OWN}/v1/tasks`, request('https://app.example'));
    expect(await answer(closed)).toEqual([403, 'forbidden']);
  });
});

describe('every response', () => {
  const paths = [
    '/healthz',
    '/v1/tasks',
    '/nowhere',
    '/docs',
    '/openapi.json',
    '/v1/tasks?limit=x',
  ];

  it.each(paths)('%s has a request id; a well-formed one of the caller is kept', async (path) => {
    expect((await routes.get(path)).headers.get('X-Request-Id')).toMatch(/^[\w-]{36}$/);
    const kept = await routes.get(path, { 'X-Request-Id': 'mine-1' });
    expect(kept.headers.get('X-Request-Id')).toBe('mine-1');
    const replaced = await routes.get(path, { 'X-Request-Id': 'not fine, <script>' });
    expect(replaced.headers.get('X-Request-Id')).not.toContain('script');
  });

  it('has one also on the feed, on a refused host and on a redirected error', async () => {
    const { id } = await routes.startTask();
    for (const [path, headers] of [
      [`/v1/tasks/${id}/events`, {}],
      ['/v1/tasks', { Host: 'evil.example' }],
      ['/v1/tasks/x/events', {}],
    ] as const) {
      expect((await routes.get(path, headers)).headers.get('X-Request-Id')).toBeTruthy();
    }
  });

  it('tells browsers not to guess its type, nor to show it in a frame', async () => {
    const { headers } = await routes.get('/v1/tasks');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('X-Frame-Options')).toBe('SAMEORIGIN');
  });
});

describe('routes and methods', () => {
  it.each([
    '/',
    '/v1',
    '/v1/task',
    '/v1/tasks/',
    '/v1/tasks/task_x/nothing',
    '/docs/../config.ts',
    '/docs/index.html',
  ])('GET %s is no route', async (path) =>
    expect(await answer(await routes.get(path))).toEqual([404, 'route_not_found']),
  );

  it.each([
    ['PUT', '/v1/tasks', 'GET, HEAD, POST'],
    ['PATCH', '/v1/tasks/task_x', 'DELETE, GET, HEAD'],
    ['GET', '/v1/tasks/task_x/cancel', 'POST'],
    ['POST', '/v1/tasks/task_x/events', 'GET, HEAD'],
    ['DELETE', '/v1/agents', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ])('%s %s is 405 and Allow says %s', async (method, path, allow) => {
    const response = await routes.app.request(path, { method });
    expect(response.headers.get('Allow')).toBe(allow);
    expect(await answer(response)).toEqual([405, 'method_not_allowed']);
  });
});
