import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface Description {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

let routes: RoutesFixture;
let description: Description;
beforeAll(async () => {
  routes = await openRoutes();
  description = (await (await routes.get('/openapi.json')).json()) as Description;
});
afterAll(() => routes[Symbol.asyncDispose]());

/** Requests that each succeed, for every operation of the description; `TASK` and `CONV` stand for ids that exist. */
const REQUESTS: Record<string, { status: number; path?: string; body?: object }> = {
  'post /v1/tasks': { status: 202, body: { input: 'Hello' } },
  'get /v1/tasks': { status: 200 },
  'get /v1/tasks/{id}': { status: 200, path: '/v1/tasks/TASK' },
  'get /v1/tasks/{id}/tree': { status: 200, path: '/v1/tasks/TASK/tree' },
  'delete /v1/tasks/{id}': { status: 204, path: '/v1/tasks/ENDED' },
  'post /v1/tasks/{id}/cancel': { status: 202, path: '/v1/tasks/TASK/cancel', body: {} },
  'post /v1/tasks/{id}/messages': {
    status: 202,
    path: '/v1/tasks/TASK/messages',
    body: { text: 'And?' },
  },
  'post /v1/tasks/{id}/approvals/{approval_id}': {
    status: 200,
    path: '/v1/tasks/TASK/approvals/appr_1',
    body: { approved: false, reason: 'no' },
  },
  'get /v1/tasks/{id}/events': { status: 200, path: '/v1/tasks/TASK/events' },
  'post /v1/tasks/{id}/stream-token': { status: 200, path: '/v1/tasks/TASK/stream-token' },
  'post /v1/conversations': { status: 201, body: { title: 'Plans' } },
  'get /v1/conversations': { status: 200 },
  'get /v1/conversations/{id}': { status: 200, path: '/v1/conversations/CONV' },
  'delete /v1/conversations/{id}': { status: 204, path: '/v1/conversations/EMPTY' },
  'get /v1/conversations/{id}/messages': { status: 200, path: '/v1/conversations/CONV/messages' },
  'get /v1/conversations/{id}/events': { status: 200, path: '/v1/conversations/CONV/events' },
  'get /v1/events': { status: 200 },
  'post /v1/conversations/{id}/cancel': {
    status: 202,
    path: '/v1/conversations/CONV/cancel',
    body: {},
  },
  'post /v1/conversations/{id}/results/claim': {
    status: 200,
    path: '/v1/conversations/CONV/results/claim',
    body: { claim_id: 'first' },
  },
  'delete /v1/conversations/{id}/tasks': {
    status: 200,
    path: '/v1/conversations/CONV/tasks?state=terminal',
  },
  'get /v1/agents': { status: 200 },
  'get /healthz': { status: 200 },
  'get /readyz': { status: 200 },
  'get /metrics': { status: 200 },
};

describe('the description of the API', () => {
  it('names every route that is due, and no request here names another', () => {
    const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(operations.sort()).toEqual(Object.keys(REQUESTS).sort());
  });

  it.each(Object.entries(REQUESTS))('%s answers what it says', async (operation, request) => {
    const [method = '', path = ''] = operation.split(' ');
    const { responses } = description.paths[path]![method]!;
    const response = await send(method, await fill(request.path ?? path), request.body);
    expect(response.status).toBe(request.status);
    const schema = responses[response.status]?.content?.['application/json']?.schema;
    if (!response.headers.get('Content-Type')?.startsWith('application/json')) return;
    expectMatch(await response.json(), schema);
  });

  it.each(Object.keys(REQUESTS))(
    '%s answers something other than route_not_found, and errors as it says',
    async (operation) => {
      const [method = '', path = ''] = operation.split(' ');
      const response = await send(method, `${path.replace('{id}', 'absent')}?nonsense=1`);
      const text = await response.text();
      expect(text).not.toContain('route_not_found');
      if (response.status >= 400) {
        expectMatch(
          JSON.parse(text),
          description.paths[path]![method]!.responses.default?.content?.['application/json']
            ?.schema,
        );
      }
    },
  );

  it('gives the schema of every kind of body once, by name', () => {
    expect(Object.keys(description.components.schemas)).toEqual(
      expect.arrayContaining(['Task', 'Receipt', 'Conversation', 'Message', 'StartTask', 'Error']),
    );
  });
});

describe('/docs', () => {
  it('loads nothing from another server, and what it loads is here', async () => {
    const page = await (await routes.get('/docs')).text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links).toHaveLength(3);
    for (const link of links) {
      expect(link).toMatch(/^\/docs\//);
      const response = await routes.get(link);
      expect(response.status).toBe(200);
      expect((await response.text()).length).toBeGreaterThan(50);
    }
    expect(page).not.toMatch(/https?:\/\//);
    expect((await routes.get('/docs')).headers.get('Content-Security-Policy')).toContain(
      "default-src 'none'",
    );
  });
});

async function send(method: string, path: string, body?: object): Promise<Response> {
  if (body) return routes.post(path, body);
  return routes.app.request(path, { method: method.toUpperCase() });
}

/** The path with ids of a running task, of an ended one, and of conversations with and without one. */
async function fill(path: string): Promise<string> {
  const conversation_id = `conv_${Math.random().toString(36).slice(2)}`;
  const running = await routes.startTask({ conversation_id });
  await routes.store.beginTask(running.id, 'run-1');
  const ended = await routes.startTask();
  await routes.post(`/v1/tasks/${ended.id}/cancel`, {});
  const empty = (await (await routes.post('/v1/conversations', {})).json()) as { id: string };
  return path
    .replace('TASK', running.id)
    .replace('ENDED', ended.id)
    .replace('CONV', conversation_id)
    .replace('EMPTY', empty.id);
}

/** The value is what the description's JSON Schema says. */
function expectMatch(value: unknown, schema: object | undefined): void {
  const local = JSON.stringify({ ...schema, $defs: description.components.schemas });
  const parsed = z
    .fromJSONSchema(JSON.parse(local.replaceAll('#/components/schemas/', '#/$defs/')))
    .safeParse(value);
  expect(parsed.error?.issues ?? []).toEqual([]);
}
