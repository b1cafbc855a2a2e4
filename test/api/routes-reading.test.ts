import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_USAGE } from '../../contract/task.ts';
import type { Live, Task } from '../../contract/wire.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

const read = async (id: string) => (await (await routes.get(`/v1/tasks/${id}`)).json()) as Task;
const idsOf = async (query: string) => {
  const body = (await (await routes.get(`/v1/tasks?${query}`)).json()) as { data: Task[] };
  return body.data.map(({ id }) => id);
};
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('reading tasks', () => {
  it('shows what a running task does, its newest usage, seq and progress, only while it runs', async () => {
    const { id } = await routes.startTask();
    await routes.store.beginTask(id, 'run-1');
    const live: Live = {
      step: 2,
      attempt: 1,
      phase: 'model',
      tool: null,
      text: 'so far',
      pending_approvals: [],
      persistence_error: null,
    };
    const usage = { ...NO_USAGE, output_tokens: 9 };
    const app = routes.appWith({
      tasks: {
        start: fail,
        cancel: fail,
        cancelConversation: fail,
        message: fail,
        decide: fail,
        forget: fail,
        forgetEnded: fail,
        forgetConversation: fail,
        live: async () => ({ live, lastSeq: 7, usage, progress: 0.4 }),
      },
    });
    const task = (await (await app.request(`/v1/tasks/${id}`)).json()) as Task;
    expect(task).toMatchObject({ status: 'RUNNING', live, last_seq: 7, usage, progress: 0.4 });
    expect(task.workflow.url).toBe(
      `http://127.0.0.1:8233/namespaces/default/workflows/${id}/run-1`,
    );
    expect(await read(id)).toMatchObject({ status: 'RUNNING', live: null });
  });

  it('a conversation_id that is given must be the task\u2019s own, also on its feed', async () => {
    const mine = await routes.startTask({ conversation_id: 'conv_own' });
    const alone = await routes.startTask();
    const statusOf = async (path: string) => (await routes.get(path)).status;
    for (const suffix of ['', '/events']) {
      expect(await statusOf(`/v1/tasks/${mine.id}${suffix}?conversation_id=conv_own`)).toBe(200);
      expect(await statusOf(`/v1/tasks/${mine.id}${suffix}?conversation_id=conv_other`)).toBe(404);
      expect(await statusOf(`/v1/tasks/${mine.id}${suffix}?conversation_id=`)).toBe(404);
      expect(await statusOf(`/v1/tasks/${alone.id}${suffix}?conversation_id=conv_own`)).toBe(404);
    }
  });

  it('answers an absent id and one that cannot exist with the same body', async () => {
    const headers = { 'X-Request-Id': 'same' };
    const bodies = await Promise.all(
      [
        `task_${'0'.repeat(32)}`,
        'nonsense',
        'task_%00',
        '%E0%A4%A',
        `task_${'x'.repeat(5_000)}`,
      ].map(async (id) => {
        const response = await routes.get(`/v1/tasks/${id}`, headers);
        return [response.status, await response.text()];
      }),
    );
    expect(new Set(bodies.map(String)).size).toBe(1);
    expect(bodies[0]).toEqual([404, expect.stringContaining('task_not_found')]);
  });

  it('lists by status, name, conversation and metadata, page by page', async () => {
    const metadata = { batch: 'list' };
    const first = await routes.startTask({ metadata, name: 'one', conversation_id: 'conv_list' });
    const second = await routes.startTask({ metadata });
    await routes.store.beginTask(second.id, 'run-2');
    expect(await idsOf('metadata.batch=list')).toEqual([second.id, first.id]);
    expect(await idsOf('metadata.batch=list&order=asc')).toEqual([first.id, second.id]);
    expect(await idsOf('metadata.batch=list&status=RUNNING')).toEqual([second.id]);
    expect(await idsOf('metadata.batch=list&status=RUNNING&status=PENDING')).toHaveLength(2);
    expect(await idsOf('metadata.batch=list&name=one&conversation_id=conv_list')).toEqual([
      first.id,
    ]);
    expect(await idsOf('metadata.batch=list&created_after=2999-01-01T00:00:00%2B02:00')).toEqual(
      [],
    );
    const page = (await (await routes.get('/v1/tasks?metadata.batch=list&limit=1')).json()) as {
      next_cursor: string;
    };
    expect(
      await idsOf(`metadata.batch=list&limit=1&cursor=${encodeURIComponent(page.next_cursor)}`),
    ).toEqual([first.id]);
  });

  it('forgets an ended task, and not one that has not ended', async () => {
    const { id } = await routes.startTask();
    const early = await routes.app.request(`/v1/tasks/${id}`, { method: 'DELETE' });
    expect([early.status, await codeOf(early)]).toEqual([409, 'task_not_terminal']);
    await routes.post(`/v1/tasks/${id}/cancel`, {});
    expect((await routes.app.request(`/v1/tasks/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await routes.get(`/v1/tasks/${id}`)).status).toBe(404);
  });
});

function fail(): Promise<never> {
  return Promise.reject(new Error('the bug'));
}
