import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../contract/wire.ts';
import { TREE_LIMITS } from '../../store/tree.ts';
import { newTask } from '../store/fixtures.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
let foreign: string;
beforeAll(async () => {
  routes = await openRoutes();
  foreign = (await routes.store.acceptTask(newTask()))!.task.id;
});
afterAll(() => routes[Symbol.asyncDispose]());

interface Page {
  data: Task[];
  next_cursor: string | null;
}

const startBelow = (id: string, body: object = {}) =>
  routes.startTask({ parent: { task_id: id }, ...body });
const refusalOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, code: error.code, message: error.message };
};
const refusedBelow = async (id: string) =>
  refusalOf(await routes.post('/v1/tasks', { input: 'a', parent: { task_id: id } }));
/** How nobody tells a foreign task from an absent one. */
const NOT_FOUND = { status: 404, code: 'task_not_found', message: 'There is no such task.' };

describe('a start below another task', () => {
  it('L1 keeps the parent with all that was said of it', async () => {
    const { id } = await routes.startTask();
    const parent = { task_id: id, run_id: 'r', call_id: 'c', agent_id: 'a' };
    const child = await routes.startTask({ parent });
    expect(child).toMatchObject({ parent });
    expect(await (await routes.get(`/v1/tasks/${child.id}`)).json()).toMatchObject({ parent });
    const list = await routes.get(`/v1/tasks?parent_task_id=${id}`);
    expect(((await list.json()) as Page).data).toMatchObject([{ id: child.id, parent }]);
  });

  it('answers 404 with the same body for a parent that is absent, malformed or foreign', async () => {
    const before = await routes.stored();
    for (const id of ['task_absent', 'no task', foreign]) {
      expect(await refusedBelow(id)).toEqual(NOT_FOUND);
    }
    expect(await routes.stored()).toEqual(before);
  });

  it('answers 409 below a tree that was cancelled, and says which', async () => {
    const root = await routes.startTask();
    const child = await startBelow(root.id);
    await routes.post(`/v1/tasks/${root.id}/cancel`, {});
    for (const { id } of [root, child]) {
      expect(await refusedBelow(id)).toEqual({
        status: 409,
        code: 'tree_cancelled',
        message: expect.stringContaining(root.id),
      });
    }
  });

  it('answers 422 to a task that would be too deep', async () => {
    let { id } = await routes.startTask();
    for (let depth = 1; depth <= TREE_LIMITS.maxDepth; depth += 1) ({ id } = await startBelow(id));
    expect(await refusedBelow(id)).toMatchObject({ status: 422, code: 'tree_too_deep' });
  });

  it('answers 429 with Retry-After to more unfinished tasks than may be below a root', async () => {
    const { id } = await routes.startTask();
    for (let n = 0; n < TREE_LIMITS.maxActive; n += 1) await startBelow(id);
    const response = await routes.post('/v1/tasks', { input: 'a', parent: { task_id: id } });
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(await refusalOf(response)).toMatchObject({
      status: 429,
      code: 'too_many_running_tasks',
    });
  });
});

describe('GET /v1/tasks/{id}/tree', () => {
  const treeOf = async (id: string, query = '') =>
    (await (await routes.get(`/v1/tasks/${id}/tree${query}`)).json()) as Page;

  it('lists the task and all below it, oldest first and page by page', async () => {
    const root = await routes.startTask();
    const child = await startBelow(root.id);
    const grandchild = await startBelow(child.id);
    const sibling = await startBelow(root.id);
    const ids = [root, child, grandchild, sibling].map(({ id }) => id);
    const whole = await treeOf(root.id);
    expect(whole.data.map(({ id }) => id)).toEqual(ids);
    expect(whole.data.map(({ parent }) => parent?.task_id)).toEqual([
      undefined,
      root.id,
      child.id,
      root.id,
    ]);
    expect(whole.data[0]).toEqual(await (await routes.get(`/v1/tasks/${root.id}`)).json());
    const first = await treeOf(root.id, '?limit=2');
    const rest = await treeOf(root.id, `?limit=2&cursor=${first.next_cursor}`);
    expect([...first.data, ...rest.data]).toEqual(whole.data);
    expect([whole.next_cursor, rest.next_cursor]).toEqual([null, null]);
  });

  it('O1 C14 answers 404 with the same body for a task that is absent, malformed or foreign', async () => {
    for (const id of ['task_absent', 'nonsense', foreign]) {
      expect(await refusalOf(await routes.get(`/v1/tasks/${id}/tree`))).toEqual(NOT_FOUND);
      const cancel = await routes.post(`/v1/tasks/${id}/cancel`, { scope: 'tree' });
      expect(await refusalOf(cancel)).toEqual(NOT_FOUND);
    }
    expect((await routes.store.getTask(foreign))?.cancel_request).toBeNull();
  });

  it.each(['?limit=0', '?limit=101', '?cursor=nonsense', '?order=desc'])(
    'refuses %s',
    async (query) => {
      const { id } = await routes.startTask();
      expect(await refusalOf(await routes.get(`/v1/tasks/${id}/tree${query}`))).toMatchObject({
        status: 400,
        code: 'invalid_request',
      });
    },
  );
});
