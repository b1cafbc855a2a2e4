import { afterAll, beforeAll, describe, it } from 'vitest';
import { expectRefused, invalid } from './routes-refusal.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
let taskId: string;
beforeAll(async () => {
  routes = await openRoutes();
  taskId = (await routes.startTask({ conversation_id: 'conv_bad' })).id;
});
afterAll(() => routes[Symbol.asyncDispose]());

describe('queries', () => {
  it.each<[string, string]>([
    ['/v1/tasks?status=DONE', 'status'],
    ['/v1/tasks?status=PENDING&status=DONE', 'status.1'],
    ['/v1/tasks?failure=bored', 'failure'],
    ['/v1/tasks?type=cron', 'type'],
    ['/v1/tasks?order=newest', 'order'],
    ['/v1/tasks?limit=0', 'limit'],
    ['/v1/tasks?limit=101', 'limit'],
    ['/v1/tasks?limit=ten', 'limit'],
    ['/v1/tasks?limit=1e1', 'limit'],
    ['/v1/tasks?limit=', 'limit'],
    ['/v1/tasks?limit=1&limit=2', 'limit'],
    ['/v1/tasks?name=%00', 'name'],
    ['/v1/tasks?agent=%00', 'agent'],
    ['/v1/tasks?conversation_id=%00', 'conversation_id'],
    ['/v1/tasks?parent_task_id=%00', 'parent_task_id'],
    ['/v1/tasks?metadata.key=%00', 'metadata.key'],
    ['/v1/tasks?metadata.=x', 'metadata.'],
    ['/v1/tasks?metadata=x', 'metadata'],
    ['/v1/tasks?metadata.%00=x', 'metadata.\u0000'],
    ['/v1/tasks?owner=someone', 'owner'],
    ['/v1/tasks?statu=RUNNING', 'statu'],
    ['/v1/tasks?created_after=yesterday', 'created_after'],
    ['/v1/tasks?created_after=2026-02-30T00:00:00Z', 'created_after'],
    ['/v1/tasks?created_after=2026-01-01', 'created_after'],
    ['/v1/tasks?created_after=2026-01-01T00:00:00', 'created_after'],
    ['/v1/tasks?created_before=0000-01-01T00:00:00Z', 'created_before'],
    ['/v1/tasks?created_before=9999-12-31T23:59:59-23:00', 'created_before'],
    ['/v1/tasks?cursor=nonsense', 'cursor'],
    ['/v1/tasks?cursor=', 'cursor'],
    ['/v1/tasks?cursor=%00', 'cursor'],
    ['/v1/tasks?cursor=W10', 'cursor'],
    ['/v1/tasks?cursor=bnVsbA', 'cursor'],
    ['/v1/conversations?cursor=e30', 'cursor'],
    ['/v1/conversations?limit=-1', 'limit'],
    ['/v1/conversations?status=RUNNING', 'status'],
    ['/v1/conversations/conv_bad?verbose=1', 'verbose'],
    ['/v1/conversations/conv_bad/messages?cursor=nonsense', 'cursor'],
    ['/v1/conversations/conv_bad/messages?limit=1.5', 'limit'],
    ['/v1/conversations/conv_bad/messages?rolled_back=maybe', 'rolled_back'],
    ['/v1/agents?verbose=1', 'verbose'],
    ['/v1/tasks/TASK?verbose=1', 'verbose'],
    ['/v1/tasks/TASK/events?deltas=maybe', 'deltas'],
    ['/v1/tasks/TASK/events?limit=101', 'limit'],
    ['/v1/tasks/TASK/events?wait_ms=30001', 'wait_ms'],
    ['/v1/tasks/TASK/events?since=1', 'since'],
  ])('GET %s is a 400', async (path, field) => {
    await expectRefused(routes, await routes.get(path.replace('TASK', taskId)), invalid(field));
  });

  it('a page cursor of another list or another form is a 400, never a wrong page', async () => {
    const junk = [
      '{}',
      '[]',
      '"x"',
      '[1,2]',
      '["\\u0000"]',
      '{"created_at":"x","id":1}',
      '1'.repeat(900),
    ];
    for (const text of junk) {
      const cursor = Buffer.from(text).toString('base64url');
      await expectRefused(
        routes,
        await routes.get(`/v1/tasks?cursor=${cursor}`),
        invalid('cursor'),
      );
    }
  });
});

describe('cursors of the feed', () => {
  it.each<[string, number, string]>([
    ['nonsense', 400, 'cursor_invalid'],
    ['-1', 400, 'cursor_invalid'],
    ['%00', 400, 'cursor_invalid'],
    ['TASK:1.2', 400, 'cursor_invalid'],
    ['TASK:99999999999', 400, 'cursor_invalid'],
    ['task_other:1', 409, 'cursor_foreign'],
    ['conv_other:abc', 409, 'cursor_foreign'],
  ])('?after=%s is %i %s, as SSE and as JSON', async (cursor, status, code) => {
    const path = `/v1/tasks/${taskId}/events?after=${cursor.replace('TASK', taskId)}`;
    await expectRefused(routes, await routes.get(path), [status, code]);
    await expectRefused(routes, await routes.get(path, { Accept: 'application/json' }), [
      status,
      code,
    ]);
  });

  it('Last-Event-ID is held to the same rules', async () => {
    const headers = { 'Last-Event-ID': 'nonsense' };
    await expectRefused(routes, await routes.get(`/v1/tasks/${taskId}/events`, headers), [
      400,
      'cursor_invalid',
    ]);
  });
});

describe('ids that cannot exist', () => {
  it.each([
    'nonsense',
    '%00',
    'task_%00',
    'task_%ED%A0%80',
    'conv_bad',
    '..%2F..',
    `task_${'x'.repeat(10_000)}`,
  ])('%s is a 404 on every route of a task', async (id) => {
    for (const response of [
      await routes.get(`/v1/tasks/${id}`),
      await routes.get(`/v1/tasks/${id}/events`),
      await routes.post(`/v1/tasks/${id}/cancel`, {}),
      await routes.app.request(`/v1/tasks/${id}`, { method: 'DELETE' }),
    ]) {
      await expectRefused(routes, response, [404, 'task_not_found']);
    }
  });

  it.each(['nonsense', 'conv_%00', 'task_x'])(
    '%s is a 404 on every route of a conversation',
    async (id) => {
      for (const response of [
        await routes.get(`/v1/conversations/${id}`),
        await routes.get(`/v1/conversations/${id}/messages`),
        await routes.app.request(`/v1/conversations/${id}`, { method: 'DELETE' }),
      ]) {
        await expectRefused(routes, response, [404, 'conversation_not_found']);
      }
    },
  );
});
