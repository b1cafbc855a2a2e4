import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

  it('lists the agents with the model that they would use', async () => {
    expect(await (await routes.get('/v1/agents')).json()).toEqual({
      data: [
        { name: 'default', description: 'An agent for tests.', model: 'demo/demo', tools: [] },
      ],
    });
  });
});
