import { afterAll, describe, expect, it } from 'vitest';
import type { Scope } from '../../contract/scopes.ts';
import type { ErrorBody } from '../../contract/wire.ts';
import { openRoutes } from './routes-fixture.ts';
import { sampleOf, type JsonSchema } from './sample-body.ts';

interface Operation {
  security: Record<string, string[]>[];
  parameters?: { in: string; name: string; required?: boolean; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
}
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}
type Headers = Record<string, string>;

const routes = await openRoutes();
afterAll(() => routes[Symbol.asyncDispose]());
const { paths, components } = (await (await routes.get('/openapi.json')).json()) as Description;

/** What everybody may ask. All else in the description needs a key. */
const OPEN = ['get /healthz', 'get /readyz'];
const OPERATIONS = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method} ${path}`),
);
const GUARDED = OPERATIONS.filter((operation) => !OPEN.includes(operation));

const split = (operation: string) => operation.split(' ') as [method: string, path: string];
const operationOf = (operation: string): Operation => {
  const [method, path] = split(operation);
  return paths[path]![method]!;
};

async function keyOf(owner: string, ...scopes: Scope[]): Promise<Headers> {
  const { key } = await routes.store.createKey(owner, scopes);
  return { Authorization: `Bearer ${key}` };
}
const ada = await keyOf('ada', 'tasks:read', 'tasks:write');
const bob = await keyOf('bob', 'tasks:read', 'tasks:write');
// From now on the fixture knows that there are keys.
await routes.get('/v1/agents', ada);

/** Sends the least request of an operation, about the objects that are given. */
async function ask(operation: string, about: Objects, headers: Headers): Promise<Response> {
  const [method, path] = split(operation);
  const { requestBody, parameters = [] } = operationOf(operation);
  const body = requestBody?.content['application/json']?.schema;
  const id = path.startsWith('/v1/conversations') ? about.conversation : about.task;
  const query = new URLSearchParams();
  for (const { name, schema, ...parameter } of parameters) {
    if (parameter.in !== 'query' || !parameter.required) continue;
    query.set(name, String(sampleOf(schema, components.schemas)));
  }
  const place = path.replace('{id}', id).replace(/\{\w+\}/g, 'absent');
  return routes.app.request(query.size > 0 ? `${place}?${query}` : place, {
    method: method.toUpperCase(),
    headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(sampleOf(body, components.schemas)) }),
  });
}

interface Objects {
  task: string;
  conversation: string;
}
const ABSENT: Objects = { task: 'task_absent', conversation: 'conv_absent' };

/** A running task in a conversation, of an owner. */
async function makeObjects(headers: Headers): Promise<Objects> {
  const conversation = `conv_${Math.random().toString(36).slice(2)}`;
  const body = { input: 'A secret', conversation_id: conversation };
  const task = (await (await routes.post('/v1/tasks', body, headers)).json()) as { id: string };
  await routes.store.beginTask(task.id, 'run-1');
  return { task: task.id, conversation };
}

async function refusalOf(response: Response) {
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, ...error, request_id: '' };
}

describe('every route of the description', () => {
  it.each(OPEN)('%s is open to everybody', async (operation) => {
    expect((await ask(operation, ABSENT, {})).status).toBe(200);
    expect(operationOf(operation).security).toEqual([]);
  });

  it.each(GUARDED)('%s is refused without a key that counts', async (operation) => {
    const objects = await makeObjects(ada);
    const { apiKey, key } = await routes.store.createKey('ada', ['admin']);
    await routes.store.revokeKey(apiKey.id);
    const worthless = [
      ...['Bearer holdfast_nobody', `Bearer ${key}`, 'Bearer', key],
      ...[`Basic ${btoa(`ada:${key}`)}`, `Bearer ${apiKey.id}`],
    ];
    for (const headers of [{}, ...worthless.map((Authorization) => ({ Authorization }))]) {
      const response = await ask(operation, objects, headers);
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
      expect(await refusalOf(response)).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });

  it.each(GUARDED)('%s needs the scope that the description names', async (operation) => {
    const scope = operationOf(operation).security[0]?.['apiKey']?.[0] as Scope;
    const others = (['tasks:read', 'tasks:write'] as const).filter((one) => one !== scope);
    const objects = await makeObjects(ada);
    const refused = await ask(operation, objects, await keyOf('ada', ...others));
    expect(await refusalOf(refused)).toMatchObject({
      ...{ status: 403, code: 'forbidden' },
      message: `This API key lacks the scope ${scope}.`,
    });
    for (const headers of [await keyOf('ada', scope), await keyOf('ada', 'admin')]) {
      const { status } = await ask(operation, await makeObjects(ada), headers);
      expect([401, 403, 500]).not.toContain(status);
    }
  });

  it.each(GUARDED)('%s gives a foreign key nothing, and changes nothing', async (operation) => {
    const objects = await makeObjects(ada);
    const before = await everythingOf(ada);
    const response = await ask(operation, objects, bob);
    if (operation.includes('{id}')) {
      const refusal = await refusalOf(response);
      expect(refusal).toMatchObject({ status: 404 });
      expect(refusal.code).toMatch(/^(task|conversation)_not_found$/);
      expect(await refusalOf(await ask(operation, ABSENT, bob))).toEqual(refusal);
    } else {
      const text = await response.text();
      for (const id of before.match(/(task|conv)_[\w-]{8,}/g) ?? []) expect(text).not.toContain(id);
    }
    expect(await everythingOf(ada)).toBe(before);
  });

  it('that is not there does not even say so without a key', async () => {
    for (const path of [
      '/nowhere',
      '/v1/nowhere',
      '/docs/../v1/tasks',
      '//v1/tasks',
      '/V1/tasks',
    ]) {
      expect(await refusalOf(await routes.get(path))).toMatchObject({ status: 401 });
    }
    expect(await refusalOf(await routes.get('/nowhere', ada))).toMatchObject({ status: 404 });
  });
});

/** All that the owner of a key can read, as text. */
async function everythingOf(headers: Headers): Promise<string> {
  const read = async (path: string) => (await routes.get(path, headers)).text();
  const tasks = await read('/v1/tasks?limit=100');
  const conversations = await read('/v1/conversations?limit=100');
  const ids = [...conversations.matchAll(/"id":"(conv_[\w-]+)"/g)].map(([, id]) => id);
  const messages = await Promise.all(ids.map((id) => read(`/v1/conversations/${id}/messages`)));
  return [tasks, conversations, ...messages].join('\n');
}
