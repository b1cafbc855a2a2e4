import { describe, expect, it } from 'vitest';
import { createStore } from '../../store/create-store.ts';
import type { Store } from '../../store/store.ts';
import { TREE_LIMITS } from '../../store/tree.ts';
import { accept, begin, completion, newId, newTask, now, rows, type Subject } from './fixtures.ts';
import { childrenOf, newFamily } from './families.ts';

const CANCEL = { at: now(), by: null, reason: null };

/** What the record does for agents that start tasks. */
export function familyContract(subject: () => Subject): void {
  const { below, untoldOf, tellable } = childrenOf(subject);

  it('M3 keeps what a plain background task carries out, exactly', async () => {
    const { store } = subject();
    const tool_call = { name: 'http_get', arguments: { z: [1, null, 'Löwe 🦁'], a: {} } };
    const asked = newTask({ type: 'tool_run', tool_call, input: '{"z":[1]}' });
    const accepted = await store.acceptTask(asked);
    expect(accepted?.task).toMatchObject({ type: 'tool_run', tool_call });
    const { data } = await store.listTasks({ owner: asked.owner, type: 'tool_run' }, ONE_PAGE);
    expect(data).toEqual([accepted?.task]);
    expect(JSON.stringify(data[0]?.tool_call)).toBe(JSON.stringify(tool_call));
    expect((await accept(store, { owner: asked.owner })).tool_call).toBeNull();
  });

  it('K2 gives the child of a known key, whatever has become of it and of its parent', async () => {
    const { store } = subject();
    const parent = await begin(store, newFamily());
    const wanted = newTask({ ...below(parent), name: 'scout' });
    const key = { key: `${parent.id}:1:call_1:1`, requestHash: 'h' };
    const again = (requestHash = 'h') =>
      store.acceptTask({ ...wanted, id: newId('task') }, { ...key, requestHash });
    const known = (status: string) => ({ created: false, task: { id: wanted.id, status } });
    expect(await store.acceptTask(wanted, key)).toMatchObject({ created: true });
    expect(await again()).toMatchObject(known('PENDING'));
    await store.beginTask(wanted.id, 'run-1');
    expect(await again()).toMatchObject(known('RUNNING'));
    await expect(again('i')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    await store.requestTreeCancel(parent.id, parent.owner, CANCEL);
    expect(await again()).toMatchObject(known('RUNNING'));
    await store.finishTask(completion((await store.getTask(wanted.id))!, 'done'));
    await store.finishTask(completion(parent, 'done'));
    expect(await again()).toMatchObject(known('COMPLETED'));
    const { data } = await store.listTasks(
      { owner: parent.owner, parent_task_id: parent.id },
      ONE_PAGE,
    );
    expect(data.map(({ id }) => id)).toEqual([wanted.id]);
  });

  it('C8 refuses what a call starts that has outlived its cancelled task', async () => {
    const { store } = subject();
    const conversation_id = newId('conv');
    const parent = await begin(store, { ...newFamily(), conversation_id });
    const child = (call_id?: string) =>
      accept(store, {
        ...below(parent),
        conversation_id,
        parent: { task_id: parent.id, ...(call_id !== undefined && { call_id }) },
      });
    const refused = { code: 'tree_cancelled' };
    await store.cancelConversation(conversation_id, parent.owner, CANCEL);
    await expect(child('call_1')).rejects.toMatchObject(refused);
    await store.finishTask(completion(parent, 'done'));
    await expect(child('call_1')).rejects.toMatchObject(refused);
    expect(await child()).toMatchObject({ status: 'PENDING' });
  });

  it('K2 makes one child of a hundred calls under one key at once', async () => {
    const { store, database } = subject();
    const stores = [store, createStore(database)] as const;
    const parent = await begin(store, newFamily());
    const key = { key: `${parent.id}:1:call_1:1`, requestHash: 'h' };
    const wanted = newTask({ ...below(parent), name: 'scout' });
    const starts = Array.from({ length: 100 }, (_, n) =>
      stores[n % 2 ? 0 : 1].acceptTask(wanted, key),
    );
    const made = (await Promise.all(starts)).filter((accepted) => accepted?.created);
    expect(made).toHaveLength(1);
    expect(await store.activeBelow(parent.id)).toEqual([wanted.id]);
  });

  it('refuses what a tree has no tokens left for: those of ended tasks below its root count', async () => {
    const root = await begin(subject().store, newFamily());
    const spent = async (store: Store, parent: typeof root) => {
      const child = await begin(store, below(parent));
      await store.finishTask(completion(child, 'done'));
      return child;
    };
    // An answer of `completion` uses 3 + 5 tokens.
    const store = createStore(subject().database, { ...TREE_LIMITS, maxTokens: 16 });
    const child = await spent(store, root);
    const beside = await begin(store, below(root));
    await spent(store, child);
    for (const parent of [root, child, beside]) {
      const start = accept(store, below(parent));
      await expect(start).rejects.toMatchObject({
        code: 'tree_budget_exceeded',
        message: expect.stringContaining('16 tokens'),
      });
    }
    const other = await begin(store, { owner: root.owner });
    expect(await accept(store, below(other))).toMatchObject({ status: 'PENDING' });
  });

  describe('news for a parent', () => {
    it('is due from the end of a child on, until it was told', async () => {
      const { store } = subject();
      const parent = await begin(store, newFamily());
      const child = await begin(store, below(parent));
      expect(await untoldOf(parent)).toEqual([]);
      await store.finishTask(completion(child, 'done'));
      expect((await store.dueParentNews(60_000, 10_000)).map(({ id }) => id)).not.toContain(
        child.id,
      );
      expect(await untoldOf(parent)).toEqual([child.id]);
      await store.markParentTold(child.id);
      expect(await untoldOf(parent)).toEqual([]);
      await store.finishTask(completion(parent, 'done'));
      expect(await untoldOf(parent)).toEqual([]);
    });

    it('is due of a child that was cancelled before it began, and of one whose parent has ended or is gone', async () => {
      const { store } = subject();
      const parent = await begin(store, newFamily());
      const [pending, late] = [
        await accept(store, below(parent)),
        await begin(store, below(parent)),
      ];
      expect(await store.requestCancel(pending.id, parent.owner, CANCEL)).toMatchObject({
        kind: 'ended',
      });
      expect(await untoldOf(parent)).toEqual([pending.id]);
      await store.finishTask(completion(parent, 'done'));
      await store.finishTask(completion(late, 'done'));
      expect((await untoldOf(parent)).sort()).toEqual([pending.id, late.id].sort());
      expect(await store.deleteTask(parent.id, parent.owner)).toBe(true);
      expect((await untoldOf(parent)).sort()).toEqual([pending.id, late.id].sort());
    });

    it('waits for a parent that has not begun', async () => {
      const { store } = subject();
      const parent = await accept(store, newFamily());
      const child = await begin(store, below(parent));
      await store.finishTask(completion(child, 'done'));
      expect(await untoldOf(parent)).toEqual([]);
      await store.beginTask(parent.id, 'run-1');
      expect(await untoldOf(parent)).toEqual([child.id]);
    });

    it('which cannot be told holds up no other', async () => {
      const { store } = subject();
      const parent = await begin(store, newFamily());
      const ids = await tellable(parent, 5);
      const tried: string[] = [];
      for (let round = 0; round < 200 && tried.length < ids.length; round += 1) {
        const [task] = await store.dueParentNews(60_000, 1);
        if (task && ids.includes(task.id)) tried.push(task.id);
      }
      expect(tried.toSorted()).toEqual(ids.toSorted());
    });

    it('is given to one of several reconcilers', async () => {
      const { store, database } = subject();
      const parent = await begin(store, newFamily());
      const ids = await tellable(parent, 20);
      const stores = [store, createStore(database)];
      const takes = await Promise.all(
        Array.from({ length: 6 }, (_, n) => stores[n % 2]!.dueParentNews(60_000, 10_000)),
      );
      const taken = takes.flat().filter(({ id }) => ids.includes(id));
      expect(taken.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    });

    it('is found in rows that an older version wrote', async () => {
      const { store } = subject();
      const parent = await begin(store, newFamily());
      const [id = ''] = await tellable(parent, 1);
      await rows(
        subject(),
        `update tasks set parent_told_at = null, taken_at = null, checked_at = null, tool_call = null, epoch = null where id = '${id}'`,
      );
      expect(await untoldOf(parent)).toEqual([id]);
      expect(await store.getTask(id)).toMatchObject({ tool_call: null, epoch: 1 });
    });
  });
}

const ONE_PAGE = { limit: 100, order: 'desc' } as const;
