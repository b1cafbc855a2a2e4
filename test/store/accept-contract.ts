import { expect, it } from 'vitest';
import {
  accept,
  begin,
  completion,
  messagesOf,
  newId,
  newTask,
  rows,
  type Subject,
} from './fixtures.ts';

export function acceptContract(subject: () => Subject): void {
  it('keeps a new task as PENDING, exactly as it was asked for', async () => {
    const { store } = subject();
    const parent = await accept(store);
    const asked = newTask({
      owner: parent.owner,
      parent: { task_id: parent.id, call_id: 'c1' },
      metadata: { z: '1', a: '2' },
      input: [{ type: 'text', text: 'ein Löwe 🦁' }],
      limits: { timeout_seconds: 60, max_steps: null },
    });
    const accepted = await store.acceptTask(asked);
    expect(accepted).toMatchObject({ created: true, task: { ...asked, status: 'PENDING' } });
    expect(await store.getTask(asked.id, asked.owner)).toEqual(accepted?.task);
    expect(accepted?.task.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it.each(['42', 'null', '"quoted"', '{"a":1}'])(
    'keeps the input %s as the text it is',
    async (input) => {
      const { store } = subject();
      const task = await accept(store, { input, conversation_id: newId('conv') });
      expect((await store.getTask(task.id))?.input).toBe(input);
      expect((await messagesOf(store, String(task.conversation_id)))[0]?.content).toBe(input);
    },
  );

  it('T8 makes one task of a hundred identical requests at once', async () => {
    const { store } = subject();
    const key = { key: 'k', requestHash: 'h' };
    const shared = { owner: newId('owner'), conversation_id: newId('conv') };
    const results = await Promise.all(
      Array.from({ length: 100 }, () => store.acceptTask(newTask(shared), key)),
    );
    expect(new Set(results.map((result) => result?.task.id)).size).toBe(1);
    expect(results.filter((result) => result?.created)).toHaveLength(1);
    expect(
      (await store.listTasks({ owner: shared.owner }, { limit: 100, order: 'asc' })).data,
    ).toHaveLength(1);
    expect(await messagesOf(store, shared.conversation_id)).toHaveLength(1);
  });

  it('T8 refuses a key that was used for another request, and leaves other owners alone', async () => {
    const { store } = subject();
    const task = newTask();
    await store.acceptTask(task, { key: 'k', requestHash: 'h' });
    const other = store.acceptTask(newTask({ owner: task.owner }), { key: 'k', requestHash: 'i' });
    await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect(await store.acceptTask(newTask(), { key: 'k', requestHash: 'i' })).toMatchObject({
      created: true,
    });
  });

  it('T9 gives the task of a key after its end, though its conversation is busy with another', async () => {
    const { store } = subject();
    const key = { key: 'k', requestHash: 'h' };
    const asked = newTask({ conversation_id: newId('conv') });
    const first = await store.acceptTask(asked, key);
    await store.beginTask(asked.id, 'run-1');
    await store.finishTask(completion(first!.task, 'done'));
    await begin(store, { owner: asked.owner, conversation_id: asked.conversation_id });
    const again = await store.acceptTask({ ...asked, id: newId('task') }, key);
    expect(again).toMatchObject({ created: false, task: { id: asked.id, status: 'COMPLETED' } });
  });

  it('refuses a second task of a conversation that is busy where it says so, also when both come at once', async () => {
    const { store } = subject();
    const shared = {
      owner: newId('owner'),
      conversation_id: newId('conv'),
      on_busy: 'reject' as const,
    };
    const both = await Promise.allSettled([accept(store, shared), accept(store, shared)]);
    expect(both.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = both.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ name: 'StoreRefusal', code: 'conversation_busy' });
    expect(await messagesOf(store, shared.conversation_id)).toHaveLength(1);
  });

  it("gives null for another owner's conversation, and stores nothing", async () => {
    const { store } = subject();
    const { conversation_id } = await accept(store, { conversation_id: newId('conv') });
    const intruder = newTask({ conversation_id });
    expect(await store.acceptTask(intruder, { key: 'k', requestHash: 'h' })).toBeNull();
    expect(await store.getTask(intruder.id)).toBeNull();
    expect(
      await rows(subject(), `select 1 from idempotency_keys where owner = '${intruder.owner}'`),
    ).toEqual([]);
    expect(await store.getConversation(String(conversation_id), intruder.owner)).toBeNull();
  });

  it('N1 refuses a name that a task in progress has, also when both start at once', async () => {
    const { store } = subject();
    const named = { owner: newId('owner'), name: 'scout' };
    const both = await Promise.allSettled([accept(store, named), accept(store, named)]);
    const refused = both.find((result) => result.status === 'rejected');
    expect(both.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(refused?.reason).toMatchObject({ name: 'StoreRefusal', code: 'name_taken' });
  });

  it('N2 frees a name at the end, and in other conversations', async () => {
    const { store } = subject();
    const named = { owner: newId('owner'), name: 'scout' };
    const first = await begin(store, named);
    await accept(store, { ...named, conversation_id: newId('conv') });
    await store.finishTask(completion(first, 'done'));
    expect(await accept(store, named)).toMatchObject({ status: 'PENDING' });
  });

  it('does not disguise a bug as a refusal or an outage', async () => {
    const { store } = subject();
    const task = await accept(store, { input: 'a secret' });
    const again = await accept(store, { id: task.id, input: 'a secret' }).catch(
      (error: unknown) => error,
    );
    expect(again).toMatchObject({ code: '23505', constraint: 'tasks_pkey' });
    expect(JSON.stringify(again) + String(again)).not.toContain('a secret');
  });
}
