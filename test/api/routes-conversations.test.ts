import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Message } from '../../contract/task.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('conversations and agents', () => {
  it('are created, listed, read with their messages, and forgotten', async () => {
    const created = await routes.post('/v1/conversations', {
      title: 'Plans',
      metadata: { a: 'b' },
    });
    const conversation = (await created.json()) as { id: string };
    expect(created.status).toBe(201);
    expect(created.headers.get('Location')).toBe(`/v1/conversations/${conversation.id}`);
    expect(conversation).toMatchObject({ title: 'Plans', metadata: { a: 'b' } });
    expect(conversation).not.toHaveProperty('owner');
    const path = `/v1/conversations/${conversation.id}`;
    const { id } = await routes.startTask({ conversation_id: conversation.id });
    const messages = (await (await routes.get(`${path}/messages`)).json()) as { data: object[] };
    expect(messages.data).toMatchObject([
      { role: 'user', content: 'Hello', task_id: id, partial: false },
    ]);
    const busy = await routes.app.request(path, { method: 'DELETE' });
    expect([busy.status, await codeOf(busy)]).toEqual([409, 'task_not_terminal']);
    await routes.post(`/v1/tasks/${id}/cancel`, {});
    expect((await routes.app.request(path, { method: 'DELETE' })).status).toBe(204);
    for (const gone of [path, `${path}/messages`, '/v1/conversations/nonsense']) {
      expect(await codeOf(await routes.get(gone))).toBe('conversation_not_found');
    }
    const list = (await (await routes.get('/v1/conversations?limit=100')).json()) as {
      data: { id: string }[];
    };
    expect(list.data.map((item) => item.id)).not.toContain(conversation.id);
  });

  it('lets tasks wait for their turn, and tells what was rolled back', async () => {
    const conversation_id = 'conv_turns';
    const start = (body: object = {}) => routes.startTask({ conversation_id, ...body });
    const { id } = await start({ input: 'one' });
    await routes.store.beginTask(id, 'run-1');
    await start({ input: 'two' });
    await start({ input: 'now', on_busy: 'rollback' });
    const list = async (query = '') => {
      const response = await routes.get(`/v1/conversations/${conversation_id}/messages${query}`);
      const { data } = (await response.json()) as { data: Message[] };
      return data.map(({ content, rolled_back }) => [content, rolled_back]);
    };
    expect(await list()).toEqual([
      ['now', false],
      ['two', false],
    ]);
    expect(await list('?rolled_back=true&limit=1')).toEqual([['one', true]]);
    const behindAll = Buffer.from('999999999999999').toString('base64url');
    expect(await list(`?order=asc&cursor=${behindAll}`)).toEqual([]);
  });

  it('cancels all tasks of a conversation, with a receipt for each', async () => {
    const conversation_id = 'conv_cancel';
    const running = await routes.startTask({ conversation_id });
    await routes.store.beginTask(running.id, 'run-1');
    const waiting = await routes.startTask({ conversation_id });
    const path = `/v1/conversations/${conversation_id}/cancel`;
    const first = await routes.post(path, { reason: 'enough', wait_ms: 0 });
    expect([first.status, await first.json()]).toEqual([
      202,
      {
        cancelled: 2,
        receipts: [
          expect.objectContaining({ task_id: running.id, outcome: 'cancelling' }),
          expect.objectContaining({ task_id: waiting.id, outcome: 'cancelled' }),
        ],
      },
    ]);
    const empty = (await (await routes.post('/v1/conversations', {})).json()) as { id: string };
    const none = await routes.app.request(`/v1/conversations/${empty.id}/cancel`, {
      method: 'POST',
    });
    expect([none.status, await none.json()]).toEqual([200, { cancelled: 0, receipts: [] }]);
  });

  it('claims the result of a detached task, which is forgotten only then', async () => {
    const conversation_id = 'conv_results';
    const { id } = await routes.startTask({ conversation_id, detached: true });
    await routes.post(`/v1/tasks/${id}/cancel`, {});
    const forget = () =>
      routes.app.request(`/v1/conversations/${conversation_id}/tasks?state=terminal`, {
        method: 'DELETE',
      });
    expect(await (await forget()).json()).toEqual({ removed: 0 });
    const claim = async (claim_id: string) => {
      const path = `/v1/conversations/${conversation_id}/results/claim`;
      return (await routes.post(path, { claim_id, limit: 1 })).json();
    };
    const delivered = { data: [expect.objectContaining({ id, status: 'FAILED' })] };
    expect(await claim('first')).toEqual(delivered);
    expect(await claim('second')).toEqual({ data: [] });
    expect(await claim('first')).toEqual(delivered);
    expect(await (await forget()).json()).toEqual({ removed: 1 });
    expect((await routes.get(`/v1/tasks/${id}`)).status).toBe(404);
  });

  it('goes on from a task in its conversation, and in no other', async () => {
    const { id: task_id } = await routes.startTask({ conversation_id: 'conv_source' });
    const goOn = (body: object = {}) =>
      routes.post('/v1/tasks', {
        input: 'a',
        continue_from: { task_id, partial: 'keep' },
        ...body,
      });
    expect(await codeOf(await goOn())).toBe('task_not_terminal');
    await routes.post(`/v1/tasks/${task_id}/cancel`, {});
    expect(await (await goOn()).json()).toMatchObject({ conversation_id: 'conv_source' });
    expect(await codeOf(await goOn({ conversation_id: 'conv_other' }))).toBe('invalid_request');
    const absent = { task_id: 'task_absent', partial: 'keep' };
    expect(await codeOf(await goOn({ continue_from: absent }))).toBe('task_not_found');
  });

  it.each([
    ['POST', '/cancel', {}],
    ['POST', '/results/claim', { claim_id: 'a' }],
    ['DELETE', '/tasks?state=terminal', undefined],
  ])('%s …%s of no conversation is 404', async (method, path, body) => {
    for (const id of ['conv_absent', 'nonsense']) {
      const response = await routes.app.request(`/v1/conversations/${id}${path}`, {
        method,
        headers: { 'Content-Type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      expect([response.status, await codeOf(response)]).toEqual([404, 'conversation_not_found']);
    }
  });

  it('forgets nothing unless it is said what', async () => {
    for (const query of ['', '?state=running', '?state=terminal&all=1']) {
      const path = `/v1/conversations/conv_results/tasks${query}`;
      const response = await routes.app.request(path, { method: 'DELETE' });
      expect([response.status, await codeOf(response)]).toEqual([400, 'invalid_request']);
    }
  });

  it('lists the agents with the model that they would use', async () => {
    expect(await (await routes.get('/v1/agents')).json()).toEqual({
      data: [
        { name: 'default', description: 'An agent for tests.', model: 'demo/demo', tools: [] },
      ],
    });
  });
});
