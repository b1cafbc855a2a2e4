import { describe, expect, it } from 'vitest';
import { createStore } from '../../store/create-store.ts';
import { spreadTreeCancel } from '../../store/spread-tree-cancel.ts';
import type { Store } from '../../store/store.ts';
import type { TreeCancel } from '../../store/tree-store.ts';
import { TREE_LIMITS, type TreeLimits } from '../../store/tree.ts';
import { accept, begin, completion, newId, newTask, now, type Subject } from './fixtures.ts';

const CANCEL = { by: 'key_1', reason: 'enough' };
const ALL = { limit: 100 };
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

/** Tasks below others, and what they are cancelled with. */
export function treeContract(subject: () => Subject): void {
  /** A task below another, of the same owner. */
  const below = (parent: { id: string; owner: string }) => ({
    owner: parent.owner,
    parent: { task_id: parent.id },
  });
  const idsIn = async (store: Store, root: { id: string; owner: string }) =>
    (await store.listTree(root.id, root.owner, ALL)).data.map(({ id }) => id);
  const cancelTree = async (store: Store, root: { id: string; owner: string }) => {
    const { id, owner } = root;
    return store.requestTreeCancel(id, owner, { at: now(), ...CANCEL });
  };

  describe('lineage', () => {
    it('L1 keeps the parent as it was named, and all that are above it', async () => {
      const { store } = subject();
      const root = await begin(store);
      const parent = { task_id: root.id, run_id: 'run_1', call_id: 'call_1', agent_id: 'agent_1' };
      const child = await accept(store, { owner: root.owner, parent });
      expect(child).toMatchObject({ parent, ancestors: [root.id] });
      const grandchild = await accept(store, below(child));
      expect(await store.getTask(grandchild.id)).toMatchObject({
        parent: { task_id: child.id },
        ancestors: [root.id, child.id],
      });
      expect(root).toMatchObject({ parent: null, ancestors: [] });
    });

    it('lists a tree oldest first, page by page, without what is beside or above it', async () => {
      const { store } = subject();
      const root = await begin(store);
      const [one, two] = [await accept(store, below(root)), await accept(store, below(root))];
      await accept(store, { owner: root.owner });
      const deep = await accept(store, below(one));
      const all = [root, one, two, deep].map(({ id }) => id);
      expect(await idsIn(store, root)).toEqual(all);
      expect(await idsIn(store, one)).toEqual([one.id, deep.id]);
      expect(await idsIn(store, two)).toEqual([two.id]);
      const first = await store.listTree(root.id, root.owner, { limit: 3 });
      expect(first.data.map(({ id }) => id)).toEqual(all.slice(0, 3));
      const cursor = String(first.next_cursor);
      const second = await store.listTree(root.id, root.owner, { limit: 3, cursor });
      expect(second.data.map(({ id }) => id)).toEqual(all.slice(3));
      expect(second.next_cursor).toBeNull();
      expect((await store.listTree(root.id, newId('owner'), ALL)).data).toEqual([]);
    });

    it('keeps what is below a task that was forgotten', async () => {
      const { store } = subject();
      const root = await begin(store);
      const middle = await begin(store, below(root));
      const leaf = await begin(store, below(middle));
      await store.finishTask(completion(middle, 'done'));
      await store.markParentTold(middle.id);
      expect(await store.deleteTask(middle.id, root.owner)).toBe(true);
      expect(await idsIn(store, root)).toEqual([root.id, leaf.id]);
      expect(await store.activeBelow(root.id)).toEqual([leaf.id]);
    });

    it('allows a parent that has ended, and refuses one that is absent or foreign', async () => {
      const { store } = subject();
      const ended = await begin(store);
      await store.finishTask(completion(ended, 'done'));
      expect(await accept(store, below(ended))).toMatchObject({ ancestors: [ended.id] });
      const foreign = { ...below(ended), owner: newId('owner') };
      const absent = { owner: ended.owner, parent: { task_id: newId('task') } };
      for (const refused of [foreign, absent]) {
        const asked = newTask({ ...refused, conversation_id: newId('conv') });
        const start = store.acceptTask(asked, { key: 'k', requestHash: 'h' });
        await expect(start).rejects.toMatchObject({ code: 'task_not_found' });
        expect(await store.getTask(asked.id)).toBeNull();
        expect(await store.getConversation(String(asked.conversation_id), asked.owner)).toBeNull();
      }
    });

    it('gives the task of a known key, whatever has become of its parent', async () => {
      const { store } = subject();
      const parent = await begin(store);
      const key = { key: 'k', requestHash: 'h' };
      const asked = newTask(below(parent));
      await store.acceptTask(asked, key);
      await cancelTree(store, parent);
      expect(await store.acceptTask({ ...asked, id: newId('task') }, key)).toMatchObject({
        created: false,
        task: { id: asked.id },
      });
    });
  });

  describe('limits', () => {
    const limited = (limits: Partial<TreeLimits>) =>
      createStore(subject().database, { ...TREE_LIMITS, ...limits });

    it('refuses a task that would be too deep', async () => {
      const store = limited({ maxDepth: 2 });
      const root = await accept(store);
      const child = await accept(store, below(root));
      const grandchild = await accept(store, below(child));
      const refusal = await accept(store, below(grandchild)).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ name: 'StoreRefusal', code: 'tree_too_deep' });
      expect(String(refusal)).toContain(root.id);
    });

    it('refuses more unfinished tasks below a root than may be, however they are spread and started', async () => {
      const store = limited({ maxActive: 5 });
      const root = await begin(store);
      const child = await begin(store, below(root));
      const starts = await Promise.allSettled(
        times(12, (i) => accept(store, below(i % 2 ? root : child))),
      );
      const refused = starts.filter((start) => start.status === 'rejected');
      expect(refused).toHaveLength(8);
      for (const { reason } of refused) {
        expect(reason).toMatchObject({ code: 'too_many_running_tasks' });
      }
      expect(await store.activeBelow(root.id)).toHaveLength(5);
      await store.finishTask(completion(child, 'done'));
      expect(await accept(store, below(root))).toMatchObject({ status: 'PENDING' });
      expect(await accept(store, { owner: root.owner })).toMatchObject({ status: 'PENDING' });
    });
  });

  describe('a cancel', () => {
    const dueOf = async (store: Store, owner: string): Promise<TreeCancel[]> =>
      (await store.dueTreeCancels(10_000)).filter((cancel) => cancel.owner === owner);
    const spread = async (store: Store, owner: string) =>
      (await Promise.all((await dueOf(store, owner)).map((due) => spreadTreeCancel(store, due))))
        .flat()
        .map(({ kind, task }) => [task.id, kind]);

    it('C12 is recorded in the root first, then in all below it that have not ended', async () => {
      const { store } = subject();
      const root = await begin(store);
      const [running, pending] = [
        await begin(store, below(root)),
        await accept(store, below(root)),
      ];
      const ended = await begin(store, below(root));
      await store.finishTask(completion(ended, 'done'));
      const deep = await begin(store, below(ended));
      const beside = await begin(store, { owner: root.owner });

      expect(await cancelTree(store, root)).toMatchObject({ kind: 'requested', goesOn: true });
      expect((await store.getTask(running.id))?.cancel_request).toBeNull();
      expect(await dueOf(store, root.owner)).toMatchObject([{ id: root.id, request: CANCEL }]);
      const done = [
        [running.id, 'requested'],
        [pending.id, 'ended'],
        [deep.id, 'requested'],
      ];
      expect(await spread(store, root.owner)).toEqual(done);
      expect(await dueOf(store, root.owner)).toEqual([]);
      for (const { id } of [root, running, pending, deep]) {
        expect((await store.getTask(id))?.cancel_request).toMatchObject(CANCEL);
      }
      for (const { id } of [ended, beside]) {
        expect((await store.getTask(id))?.cancel_request).toBeNull();
      }
    });

    it('C12 concerns what is below an ended task, and changes nothing where nothing is', async () => {
      const { store } = subject();
      const root = await begin(store);
      await store.finishTask(completion(root, 'done'));
      const before = await store.getTask(root.id);
      const nothing = { kind: 'already_terminal', goesOn: false };
      expect(await cancelTree(store, root)).toMatchObject(nothing);
      const child = await begin(store, below(root));
      expect(await cancelTree(store, root)).toMatchObject({ ...nothing, goesOn: true });
      expect(await spread(store, root.owner)).toEqual([[child.id, 'requested']]);
      expect(await store.getTask(root.id)).toEqual(before);
      await store.finishTask(completion(child, 'done'));
      expect(await cancelTree(store, root)).toMatchObject(nothing);
    });

    it('ends a PENDING root itself, and owes nothing where nothing is below', async () => {
      const { store } = subject();
      const root = await accept(store);
      expect(await cancelTree(store, root)).toMatchObject({ kind: 'ended', goesOn: false });
      expect(await dueOf(store, root.owner)).toEqual([]);
      expect(await cancelTree(store, { ...root, owner: newId('owner') })).toBeNull();
      expect(await cancelTree(store, { ...root, id: newId('task') })).toBeNull();
    });

    it('refuses every start below from then on, and below a task that was cancelled alone until its end', async () => {
      const { store } = subject();
      const root = await begin(store);
      const child = await begin(store, below(root));
      await store.requestCancel(root.id, root.owner, { at: now(), ...CANCEL });
      const refused = { code: 'tree_cancelled' };
      await expect(accept(store, below(root))).rejects.toMatchObject(refused);
      expect(await accept(store, below(child))).toMatchObject({ status: 'PENDING' });
      await store.finishTask(completion(root, 'done'));
      expect(await accept(store, below(root))).toMatchObject({ status: 'PENDING' });
      await cancelTree(store, root);
      for (const parent of [root, child]) {
        const start = accept(store, { ...below(parent), conversation_id: newId('conv') });
        await expect(start).rejects.toMatchObject(refused);
      }
      await cancelTree(store, child);
      await store.finishTask(completion(child, 'done'));
      await expect(accept(store, below(child))).rejects.toMatchObject(refused);
    });

    it('C8 lets nothing escape that is started at the same time', async () => {
      const { store, database } = subject();
      const other = createStore(database);
      for (let round = 0; round < 5; round += 1) {
        const root = await begin(store);
        const child = await begin(store, below(root));
        const starting = times(10, (i) => accept(i % 2 ? store : other, below(child)));
        const cancelling = starting[3]!.then(() => cancelTree(other, root));
        const starts = await Promise.allSettled(starting);
        await cancelling;
        await spread(store, root.owner);
        for (const start of starts) {
          if (start.status === 'rejected') {
            expect(start.reason).toMatchObject({ code: 'tree_cancelled' });
          } else {
            const task = await store.getTask(start.value.id);
            expect(task).toMatchObject({ status: 'FAILED', failure: { code: 'cancelled' } });
          }
        }
        expect(await store.activeBelow(root.id)).toEqual([child.id]);
      }
    });

    it('C13 lets nothing be started below a task while its conversation is cancelled', async () => {
      const { store, database } = subject();
      const other = createStore(database);
      const conversation_id = newId('conv');
      const root = await begin(store, { conversation_id });
      const given = { ...below(root), conversation_id, detached: true };
      const starting = times(10, (i) => accept(i % 2 ? store : other, given));
      const settled = Promise.allSettled(starting);
      await starting[3];
      const request = { at: now(), ...CANCEL };
      await other.cancelConversation(conversation_id, root.owner, request);
      const starts = await settled;
      for (const start of starts.filter(({ status }) => status === 'rejected')) {
        expect(start).toMatchObject({ reason: { code: 'tree_cancelled' } });
      }
      expect(await store.activeBelow(root.id)).toEqual([]);
    });

    it('of a task that is interrupted reaches what is below it', async () => {
      const { store } = subject();
      const conversation_id = newId('conv');
      const root = await begin(store, { conversation_id });
      const child = await begin(store, below(root));
      const next = await accept(store, {
        owner: root.owner,
        conversation_id,
        on_busy: 'interrupt',
      });
      await expect(accept(store, below(child))).rejects.toMatchObject({ code: 'tree_cancelled' });
      expect(await spread(store, root.owner)).toEqual([[child.id, 'requested']]);
      expect((await store.getTask(child.id))?.cancel_request?.reason).toContain(next.id);
    });

    it('refuses a start below the very task that it would interrupt', async () => {
      const { store } = subject();
      const conversation_id = newId('conv');
      const root = await begin(store, { conversation_id });
      const child = await begin(store, below(root));
      for (const on_busy of ['interrupt', 'rollback'] as const) {
        const start = { ...below(child), conversation_id, on_busy };
        await expect(accept(store, start)).rejects.toMatchObject({ code: 'tree_cancelled' });
      }
      expect((await store.getTask(root.id))?.cancel_request).toBeNull();
    });

    it('keeps an ended root until all below have a record of its cancel', async () => {
      const { store } = subject();
      const root = await begin(store, { conversation_id: newId('conv') });
      await begin(store, below(root));
      await store.finishTask(completion(root, 'done'));
      await cancelTree(store, root);
      const undone = { code: 'task_not_terminal' };
      await expect(store.deleteTask(root.id, root.owner)).rejects.toMatchObject(undone);
      const conversation = store.deleteConversation(String(root.conversation_id), root.owner);
      await expect(conversation).rejects.toMatchObject(undone);
      await spread(store, root.owner);
      expect(await store.deleteTask(root.id, root.owner)).toBe(true);
    });
  });
}
