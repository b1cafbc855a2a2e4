import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Message } from '../../contract/task.ts';
import type { ErrorBody, Receipt, StreamToken, Task } from '../../contract/wire.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

type Headers = Record<string, string>;
const newId = () => `order-${randomUUID().slice(0, 8)}`;
const start = (id: string, body: object = {}, headers?: Headers) =>
  routes.post('/v1/tasks', { input: 'a', id, ...body }, headers);
const read = async <T = Task>(path: string, headers?: Headers) =>
  (await (await routes.get(path, headers)).json()) as T;
const cancel = (id: string, headers?: Headers) =>
  routes.post(`/v1/tasks/${id}/cancel`, { scope: 'task' }, headers);
const refusalOf = async (response: Response) => {
  const { error } = (await response.json()) as ErrorBody;
  return [response.status, error.code, error.message];
};

/** Starts an id so often; all epochs but the last one have ended. */
async function startEpochs(id: string, count: number, body: object = {}): Promise<Task[]> {
  const epochs: Task[] = [];
  for (let epoch = 1; epoch <= count; epoch += 1) {
    if (epoch > 1) await cancel(id);
    epochs.push((await (await start(id, body)).json()) as Task);
  }
  return epochs;
}

describe('a start under an id of the caller’s', () => {
  it('M6 is a task of that id, and once that has ended the next epoch of it', async () => {
    const id = newId();
    const first = await start(id);
    expect([first.status, first.headers.get('Location')]).toEqual([202, `/v1/tasks/${id}`]);
    expect(await first.json()).toMatchObject({ id, epoch: 1, workflow: { workflow_id: id } });
    expect(await refusalOf(await start(id))).toEqual([409, 'task_exists', expect.any(String)]);

    await cancel(id);
    const second = await start(id);
    expect([second.status, second.headers.get('Location')]).toEqual([202, `/v1/tasks/${id}`]);
    const workflow_id = `${id}.e2`;
    const url = `http://127.0.0.1:8233/namespaces/default/workflows/${workflow_id}`;
    const workflow = { workflow_id, run_id: null, url };
    expect(await second.json()).toMatchObject({ id, epoch: 2, status: 'PENDING', workflow });
    expect(await refusalOf(await start(id))).toEqual([409, 'task_exists', expect.any(String)]);
  });

  it('is one of twenty at once, and the same task for all that have its Idempotency-Key', async () => {
    const id = newId();
    const twenty = (headers?: Headers) =>
      Promise.all(Array.from({ length: 20 }, () => start(id, {}, headers)));
    const statuses = (await twenty()).map(({ status }) => status).sort();
    expect(statuses).toEqual([202, ...Array.from({ length: 19 }, () => 409)]);
    await cancel(id);
    const repeated = await twenty({ 'Idempotency-Key': id });
    const epochs = await Promise.all(repeated.map(async (one) => (await one.json()) as Task));
    expect(new Set(epochs.map(({ workflow }) => workflow.workflow_id))).toEqual(
      new Set([`${id}.e2`]),
    );
    expect(repeated.filter(({ status }) => status === 202)).toHaveLength(1);
  });
});

describe('the epochs of an id', () => {
  it('are listed each, and the id means the newest of them', async () => {
    const id = newId();
    await startEpochs(id, 3, { metadata: { of: id } });
    const { data } = await read<{ data: Task[] }>(`/v1/tasks?metadata.of=${id}`);
    expect(data.map((task) => [task.id, task.epoch])).toEqual([
      [id, 3],
      [id, 2],
      [id, 1],
    ]);
    expect(await read(`/v1/tasks/${id}`)).toMatchObject({ id, epoch: 3, status: 'PENDING' });
    for (const epoch of [1, 2, 3]) {
      expect(await read(`/v1/tasks/${id}.e${epoch}`)).toMatchObject({ id, epoch });
    }
    for (const suffix of ['.e4', '.e0', '.e02', '.e', '.2', '.e1.e2']) {
      expect((await routes.get(`/v1/tasks/${id}${suffix}`)).status, suffix).toBe(404);
    }
  });

  it('are cancelled, written to and forgotten one by one', async () => {
    const id = newId();
    await startEpochs(id, 2);
    const old = (await (await cancel(`${id}.e1`)).json()) as Receipt;
    expect(old.outcome).toBe('already_terminal');
    expect(
      await refusalOf(await routes.post(`/v1/tasks/${id}.e1/messages`, { text: 'Hi' })),
    ).toEqual([409, 'task_terminated', expect.any(String)]);
    const taken = await routes.post(`/v1/tasks/${id}.e2/messages`, { text: 'Hi' });
    expect(await taken.json()).toEqual({ task_id: id, seq: 4 });
    const approved = await routes.post(`/v1/tasks/${id}/approvals/appr_1`, { approved: true });
    expect(await approved.json()).toEqual({ task_id: id, seq: 5 });

    const forget = async (path: string) =>
      (await routes.app.request(`/v1/tasks/${path}`, { method: 'DELETE' })).status;
    expect(await forget(id)).toBe(409);
    await cancel(id);
    expect([await forget(id), await forget(id)]).toEqual([204, 404]);
    expect((await routes.get(`/v1/tasks/${id}`)).status).toBe(404);
    expect(await read(`/v1/tasks/${id}.e1`)).toMatchObject({ epoch: 1 });
    expect(await (await start(id)).json()).toMatchObject({ id, epoch: 3 });
    expect(await forget(`${id}.e1`)).toBe(204);
    expect(await read(`/v1/tasks/${id}`)).toMatchObject({ epoch: 3 });
  });

  it('have children of their own, and may be gone on from', async () => {
    const id = newId();
    const childOf = async (task_id: string) =>
      (await (await start(newId(), { parent: { task_id } })).json()) as Task;
    await startEpochs(id, 1, { conversation_id: 'conv_epochs' });
    const older = await childOf(id);
    await cancel(id);
    await start(id, { conversation_id: 'conv_epochs' });
    const newer = await childOf(id);
    const belated = await childOf(`${id}.e1`);
    const parents = [older, newer, belated].map(({ parent }) => parent?.task_id);
    expect(parents).toEqual([id, id, id]);

    const idsAt = async (path: string) =>
      (await read<{ data: Task[] }>(path)).data.map((task) => task.id).sort();
    const [ofOld, ofNew] = [[older.id, belated.id].sort(), [newer.id]];
    expect(await idsAt(`/v1/tasks?parent_task_id=${id}.e1`)).toEqual(ofOld);
    expect(await idsAt(`/v1/tasks?parent_task_id=${id}`)).toEqual(ofNew);
    expect(await idsAt(`/v1/tasks/${id}.e1/tree`)).toEqual([id, ...ofOld].sort());
    expect(await idsAt(`/v1/tasks/${id}/tree`)).toEqual([id, ...ofNew].sort());

    const goOn = (task_id: string) =>
      start(newId(), { continue_from: { task_id, partial: 'keep' } });
    expect(await refusalOf(await goOn(id))).toEqual([409, 'task_not_terminal', expect.any(String)]);
    expect(await (await goOn(`${id}.e1`)).json()).toMatchObject({ conversation_id: 'conv_epochs' });
    const { data } = await read<{ data: Message[] }>('/v1/conversations/conv_epochs/messages');
    expect(data.slice(0, 2).map(({ task_id }) => task_id)).toEqual([id, id]);
  });

  it('have a feed each, which takes no cursor of another', async () => {
    const id = newId();
    await startEpochs(id, 2);
    const page = async (named: string, after: string) => {
      const path = `/v1/tasks/${named}/events?after=${after}`;
      const response = await routes.get(path, { Accept: 'application/json' });
      return response.status === 200 ? response.json() : refusalOf(response);
    };
    const foreign = [409, 'cursor_foreign', expect.any(String)];
    expect(await page(id, `${id}.e2:1`)).toMatchObject({ next: `${id}.e2:1` });
    expect(await page(`${id}.e1`, `${id}:1`)).toMatchObject({ next: `${id}:1` });
    expect(await page(id, `${id}:1`)).toEqual(foreign);
    expect(await page(`${id}.e1`, `${id}.e2:1`)).toEqual(foreign);
  });
});

describe('an id of another owner', () => {
  const as = async (owner: string): Promise<Headers> => {
    const { key } = await routes.store.createKey(owner, ['tasks:read', 'tasks:write']);
    return { Authorization: `Bearer ${key}` };
  };

  it('O1 is refused as one in use, reads as absent, and stays theirs', async () => {
    const id = newId();
    const [ada, bob] = [await as('ada'), await as('bob')];
    await start(id, {}, ada);
    const inUse = await refusalOf(await start(id, {}, ada));
    const notFound = [404, 'task_not_found', 'There is no such task.'];
    const asBob = async () => {
      expect(await refusalOf(await start(id, {}, bob))).toEqual(inUse);
      for (const named of [id, `${id}.e1`, `${id}.e2`]) {
        expect(await refusalOf(await routes.get(`/v1/tasks/${named}`, bob))).toEqual(notFound);
        expect(await refusalOf(await cancel(named, bob))).toEqual(notFound);
      }
    };
    await asBob();
    await cancel(id, ada);
    await asBob();
    await start(id, {}, ada);
    await asBob();
    expect(await read(`/v1/tasks/${id}`, ada)).toMatchObject({ epoch: 2, status: 'PENDING' });
  });

  it('O5 is read with a stream token of its own epoch alone', async () => {
    const id = newId();
    const ada = await as('ada');
    const tokenOf = async () =>
      (await (await routes.post(`/v1/tasks/${id}/stream-token`, {}, ada)).json()) as StreamToken;
    const status = async (named: string, { token }: StreamToken) =>
      (await routes.get(`/v1/tasks/${named}/events?access_token=${token}`)).status;
    await start(id, {}, ada);
    const first = await tokenOf();
    expect(await status(id, first)).toBe(200);
    await cancel(id, ada);
    await start(id, {}, ada);
    const second = await tokenOf();
    expect([await status(id, first), await status(`${id}.e1`, first)]).toEqual([401, 200]);
    expect([await status(id, second), await status(`${id}.e1`, second)]).toEqual([200, 401]);
  });
});
