import { expect, it } from 'vitest';
import { createStore } from '../../store/create-store.ts';
import {
  accept,
  begin,
  completion,
  messagesOf,
  newId,
  newTask,
  rows,
  wholeLog,
  type Subject,
} from './fixtures.ts';

/** Ids that callers choose, and use again. */
export function epochContract(subject: () => Subject): void {
  const chosen = (owner = newId('owner')) => ({ id: newId('order'), owner });
  /** What another process of the API has: its starts wait for those of the first one in the database alone. */
  const elsewhere = () => createStore(subject().database);

  async function finish(id: string): Promise<void> {
    const { store } = subject();
    const task = (await store.getTask(id))!;
    await store.finishTask(completion(task, 'done'));
  }

  it('M6 makes the first task of an id that was chosen under that id, and the next ones as further epochs', async () => {
    const { store } = subject();
    const given = chosen();
    expect(await store.newestEpoch(given.id)).toBeNull();
    for (const [epoch, id] of [given.id, `${given.id}.e2`, `${given.id}.e3`].entries()) {
      expect(await accept(store, given)).toMatchObject({ id, epoch: epoch + 1, status: 'PENDING' });
      expect(await store.newestEpoch(given.id)).toBe(id);
      await finish(id);
    }
    const all = await store.listTasks({ owner: given.owner }, { limit: 10, order: 'asc' });
    expect(all.data.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  });

  it('M6 leaves an epoch alone when the one before it reports its end late', async () => {
    const { store } = subject();
    const given = { ...chosen(), conversation_id: newId('conv') };
    const first = await begin(store, given);
    const late = completion(first, 'the late answer');
    const from = { code: 'terminated', message: 'gone' } as const;
    const outside = { status: 'FAILED', failure: from, error: 'gone' } as const;
    await store.finishTask({ ...late, log: [], end: outside, logIncomplete: true });
    const second = await begin(store, given);
    expect(second.id).toBe(`${given.id}.e2`);

    const ends = await Promise.all([
      store.finishTask(completion(second, 'the second answer')),
      store.finishTask(late),
    ]);
    await store.appendLog(first.id, late.log);

    expect(ends.map(({ won, task }) => [won, task.id])).toEqual([
      [true, second.id],
      [false, first.id],
    ]);
    expect(await store.getTask(second.id)).toMatchObject({ output: { text: 'the second answer' } });
    expect(await store.getTask(first.id)).toMatchObject({ failure: from, output: null });
    const owners = (await wholeLog(store, second.id)).map(({ task_id }) => task_id);
    expect(new Set(owners)).toEqual(new Set([second.id]));
    const said = await messagesOf(store, given.conversation_id);
    expect(said.map(({ role, task_id }) => [role, task_id])).toEqual([
      ['user', first.id],
      ['user', second.id],
      ['assistant', second.id],
    ]);
  });

  it('M6 accepts one of twenty starts of an id at once, from two processes', async () => {
    const stores = [subject().store, elsewhere()];
    const given = chosen();
    for (const id of [given.id, `${given.id}.e2`]) {
      const all = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => stores[index % 2]!.acceptTask(newTask(given))),
      );
      const accepted = all.flatMap((one) =>
        one.status === 'fulfilled' ? [one.value?.task.id] : [],
      );
      const codes = all.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      expect(accepted).toEqual([id]);
      expect(codes).toEqual(Array.from({ length: 19 }, () => 'task_exists'));
      await finish(id);
    }
  });

  it('gives an id that two owners choose at once to one of them, and refuses the other for good', async () => {
    const { id } = chosen();
    const [a, b] = [newId('owner'), newId('owner')];
    const starts = [subject().store, elsewhere()].map((store, index) =>
      store.acceptTask(newTask({ id, owner: [a, b][index]!, conversation_id: newId('conv') })),
    );
    const both = await Promise.allSettled(starts);
    const winner = both.findIndex(({ status }) => status === 'fulfilled');
    const [mine, others] = winner === 0 ? [a, b] : [b, a];
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await rows(subject(), `select 1 from conversations where owner = '${others}'`)).toEqual(
      [],
    );

    const refused = { name: 'StoreRefusal', code: 'task_exists' };
    const { store } = subject();
    await expect(accept(store, { id, owner: others })).rejects.toMatchObject(refused);
    await finish(id);
    await expect(accept(store, { id, owner: others })).rejects.toMatchObject(refused);
    expect(await store.deleteTask(id, mine)).toBe(true);
    await expect(accept(store, { id, owner: others })).rejects.toMatchObject(refused);
    expect(await accept(store, { id, owner: mine })).toMatchObject({ id: `${id}.e2` });
  });

  it('M6 uses no epoch twice, also where its task was forgotten', async () => {
    const { store } = subject();
    const given = chosen();
    for (const id of [given.id, `${given.id}.e2`]) {
      expect(await accept(store, given)).toMatchObject({ id });
      await finish(id);
      expect(await store.deleteTask(id, given.owner)).toBe(true);
      expect(await store.newestEpoch(given.id)).toBe(id);
    }
    expect(await accept(store, given)).toMatchObject({ id: `${given.id}.e3`, epoch: 3 });
  });

  it('T8 gives the task of a key, whatever has become of its id', async () => {
    const { store } = subject();
    const given = newTask(chosen());
    const key = { key: 'k', requestHash: 'h' };
    const again = async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => store.acceptTask(given, key)));
      return new Set(all.map((one) => one?.task.id));
    };
    expect(await again()).toEqual(new Set([given.id]));
    await finish(given.id);
    await accept(store, given);
    expect(await again()).toEqual(new Set([given.id]));
    expect(await store.newestEpoch(given.id)).toBe(`${given.id}.e2`);
  });

  it('refuses starts of one batch each for its id, and takes no epoch for what is refused otherwise', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const [taken, free] = [chosen(owner), chosen(owner)];
    await accept(store, { ...taken, name: 'scout' });
    const outcomes = await Promise.allSettled([
      accept(store, taken),
      accept(store, { ...free, name: 'scout' }),
      accept(store, { owner }),
    ]);
    expect(outcomes).toMatchObject([
      { reason: { code: 'task_exists' } },
      { reason: { code: 'name_taken' } },
      { value: { epoch: 1 } },
    ]);
    expect(await store.newestEpoch(free.id)).toBeNull();
  });
}
