import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Task } from '../../contract/wire.ts';
import { createHoldfastClient, type HoldfastClient } from '../../client/create-holdfast-client.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig, type StartBody } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { logOf, PATIENT } from '../workflow/cancelled-run.ts';

const ANSWER = 'Forty-two, as ever.';
const ANSWERS: Turn = [{ say: ANSWER }];
const REFUSAL = 'the moon is in the wrong phase';
const REFUSES: Turn = [{ status: 400, body: { error: { message: REFUSAL } } }];
const STALLS: Turn = [{ say: 'One moment' }, { stall: true }];

let rig: Rig;
let client: HoldfastClient;
beforeAll(async () => {
  rig = await openRig();
  client = createHoldfastClient({ baseUrl: rig.url });
});
afterAll(() => rig[Symbol.asyncDispose]());

const start = (turn: Turn, body: Partial<StartBody> = {}) =>
  rig.start({ input: 'What is it?', model: rig.script(turn).model, ...body });
const below = (id: string) => ({ parent: { task_id: id } });
const idsOf = (tasks: readonly Task[]) => tasks.map(({ id }) => id);

describe('tasks as a family', () => {
  it('M1 are there at once, twenty that are started together too, and each can be cancelled', async () => {
    const held = gate();
    const root = await start([{ gate: held }, ...ANSWERS]);
    const twenty = await Promise.all(
      Array.from({ length: 20 }, () => start(STALLS, below(root.id))),
    );
    const ids = idsOf(twenty);
    expect(new Set(ids).size).toBe(20);
    const listed = await client.list({ parent_task_id: root.id, limit: 100 });
    expect(idsOf(listed.data).sort()).toEqual(ids.toSorted());
    const tree = await client.tree(root.id, { limit: 100 });
    expect(tree.data[0]?.id).toBe(root.id);
    expect(idsOf(tree.data.slice(1))).toEqual(idsOf(listed.data.toReversed()));
    const running = { parent_task_id: root.id, status: 'RUNNING', limit: 100 } as const;
    await eventually(async () => (await client.list(running)).data.length === 20, 'all to run');

    const receipts = await Promise.all(ids.map((id) => rig.cancel(id, PATIENT)));
    expect(receipts.map(({ task_id, outcome }) => [task_id, outcome])).toEqual(
      ids.map((id) => [id, 'cancelled']),
    );
    expect((await client.list(running)).data).toEqual([]);
    expect((await rig.get(root.id)).status).toBe('RUNNING');
    held.open();
    await rig.untilStatus(root.id, 'COMPLETED');
  });

  it('M2 can be read by id after the end, result and error; an unknown id reads as absent', async () => {
    const root = await start(ANSWERS);
    const child = await start(ANSWERS, below(root.id));
    const failing = await start(REFUSES, below(root.id));
    for (const { id } of [root, child, failing]) await rig.untilEnd(id);
    expect(await rig.get(child.id)).toMatchObject({ output: { text: ANSWER }, failure: null });
    expect(await rig.get(failing.id)).toMatchObject({
      output: null,
      failure: { code: 'model_error', message: expect.stringContaining(REFUSAL) },
    });
    const { status, body } = await rig.request('GET', `/v1/tasks/${newId('task')}`);
    expect([status, body.error.code]).toEqual([404, 'task_not_found']);
  });

  it('L1 keep their parent in record, lists and log, also after the end', async () => {
    const root = await start(ANSWERS);
    const parent = { task_id: root.id, run_id: 'run_1', call_id: 'call_1', agent_id: 'planner' };
    const child = await start(ANSWERS, { parent });
    expect(child.parent).toEqual(parent);
    expect((await rig.untilEnd(child.id)).parent).toEqual(parent);
    const { data } = await client.list({ parent_task_id: root.id });
    expect(data).toMatchObject([{ id: child.id, parent }]);
    const [accepted] = await logOf(rig, child.id);
    expect(accepted).toMatchObject({ type: 'task.accepted', data: { parent } });
    await rig.untilEnd(root.id);
  });

  it('N1 belong to the conversation of their parent, with their names, and take no turn there', async () => {
    const conversation_id = newId('conv');
    const held = gate();
    const root = await start([{ gate: held }, ...ANSWERS], { conversation_id });
    const child = await start(ANSWERS, { name: 'smith', ...below(root.id) });
    const grandchild = await start(STALLS, { name: 'medic', ...below(child.id) });
    for (const task of [child, grandchild]) expect(task.conversation_id).toBe(conversation_id);
    const taken = await rig.request('POST', '/v1/tasks', {
      input: 'What is it?',
      name: 'medic',
      ...below(root.id),
    });
    expect([taken.status, taken.body.error.code]).toEqual([409, 'name_taken']);
    expect(await rig.untilEnd(child.id)).toMatchObject({ output: { text: ANSWER } });
    const { data } = await client.list({ conversation_id, status: ['PENDING', 'RUNNING'] });
    expect(idsOf(data).sort()).toEqual([root.id, grandchild.id].sort());
    await rig.cancel(grandchild.id, PATIENT);
    held.open();
    await rig.untilEnd(root.id);
    const said = (await rig.messages(conversation_id)).map(({ task_id, role }) => [task_id, role]);
    expect(said).toEqual([
      [root.id, 'user'],
      [root.id, 'assistant'],
    ]);
    const elsewhere = newId('conv');
    const named = await start(ANSWERS, { conversation_id: elsewhere, ...below(root.id) });
    await rig.untilEnd(named.id);
    expect(await rig.messages(elsewhere)).toHaveLength(2);
  });

  it('L4 leave the field out where they have no parent', async () => {
    const { id } = await start(ANSWERS);
    const end = await rig.untilEnd(id);
    expect(end).not.toHaveProperty('parent');
    expect((await logOf(rig, id))[0]?.data).not.toHaveProperty('parent');
    expect((await client.tree(id)).data).toEqual([end]);
  });
});

describe('names', () => {
  const ask = (body: object) =>
    rig.request<Task & { error?: { code: string } }>('POST', '/v1/tasks', {
      input: 'What is it?',
      model: rig.script(STALLS).model,
      ...body,
    });
  const codeOf = ({ status, body }: Awaited<ReturnType<typeof ask>>) => [status, body.error?.code];
  const taken = [409, 'name_taken'];

  it('N1 are given to one of two that start at once, and refused as long as it has not ended', async () => {
    const name = 'scout';
    const [one, two] = await Promise.all([ask({ name }), ask({ name })]);
    const [first, second] = one.status === 202 ? [one, two] : [two, one];
    expect(first.status).toBe(202);
    expect(codeOf(second)).toEqual(taken);
    const { id } = first.body;
    await rig.untilStatus(id, 'RUNNING');
    expect(codeOf(await ask({ name, ...below(id) }))).toEqual(taken);
    const { data } = await client.list({ name });
    expect(idsOf(data)).toEqual([id]);
    await rig.cancel(id, PATIENT);
  });

  it('N2 are free again after the end, and free in other conversations', async () => {
    const name = 'pathfinder';
    const first = (await ask({ name })).body;
    const elsewhere = await ask({ name, conversation_id: newId('conv') });
    expect(elsewhere.status).toBe(202);
    expect(codeOf(await ask({ name }))).toEqual(taken);
    await rig.cancel(first.id, PATIENT);
    const again = await ask({ name });
    expect(again.status).toBe(202);
    const { data } = await client.list({ name, order: 'asc' });
    expect(idsOf(data)).toEqual([first.id, elsewhere.body.id, again.body.id]);
    for (const { id } of [elsewhere.body, again.body]) await rig.cancel(id, PATIENT);
  });

  it.each(['parent', 'self', 'all', 'broadcast'])(
    'N3 are never %s, which is reserved',
    async (name) => {
      expect(codeOf(await ask({ name }))).toEqual([422, 'reserved_name']);
    },
  );

  it('N4 are no ids: a task is addressed by its id, and one without a name by nothing else', async () => {
    const named = await start(STALLS, { name: 'ranger' });
    const unnamed = [await start(STALLS), await start(STALLS)];
    for (const { id, name } of unnamed) {
      expect(name).toBeNull();
      expect((await rig.get(id)).id).toBe(id);
    }
    for (const address of ['ranger', 'null', '']) {
      const { status } = await rig.request('POST', `/v1/tasks/${address}/cancel`, {});
      expect(status).toBe(404);
    }
    expect(idsOf((await client.list({ name: 'ranger' })).data)).toEqual([named.id]);
    for (const { id } of [named, ...unnamed]) {
      expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
    }
  });
});
