import { expect, it } from 'vitest';
import { createStore } from '../../store/create-store.ts';
import type { NewTask } from '../../store/new-task.ts';
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

const ALL = { limit: 100, order: 'asc' } as const;
const keyOf = (key: string, requestHash = 'h') => ({ key, requestHash });
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

/** What one owner starts at once. */
export function burstContract(subject: () => Subject): void {
  const tasksOf = async (owner: string) =>
    (await subject().store.listTasks({ owner }, ALL)).data.map(({ id }) => id);
  const conversationsOf = async (owner: string) =>
    (await subject().store.listConversations(owner, ALL)).data.map(({ id }) => id);

  it('numbers tasks and conversations in the order of the calls', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const asked = times(60, (i) =>
      newTask({ owner, conversation_id: i % 3 ? newId('conv') : null }),
    );
    const made = newId('conv');
    const starts = asked.slice(0, 30).map((task) => store.acceptTask(task));
    const making = store.createConversation({ id: made, owner, title: null, metadata: {} });
    const more = asked.slice(30).map((task) => store.acceptTask(task));
    const accepted = await Promise.all([...starts, ...more]);
    await making;
    expect(accepted.map((result) => result?.task)).toMatchObject(asked);
    expect(await tasksOf(owner)).toEqual(asked.map(({ id }) => id));
    const joined = (some: NewTask[]) => some.flatMap((task) => task.conversation_id ?? []);
    expect(await conversationsOf(owner)).toEqual([
      ...joined(asked.slice(0, 30)),
      made,
      ...joined(asked.slice(30)),
    ]);
  });

  it('accepts those that wait in one transaction, up to a hundred', async () => {
    const { database } = subject();
    let transactions = 0;
    const store = createStore({
      ...database,
      transaction: (work) => {
        transactions += 1;
        return database.transaction(work);
      },
    });
    const owner = newId('owner');
    const accepted = await Promise.all(
      times(150, (i) => store.acceptTask(newTask({ owner }), keyOf(`k${i}`))),
    );
    expect(accepted.every((result) => result?.created)).toBe(true);
    expect(transactions).toBe(3);
  });

  it('refuses each start for its own reason, and stores nothing for it', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const foreign = await accept(store, { conversation_id: newId('conv') });
    const busy = await begin(store, { owner, conversation_id: newId('conv') });
    const before = await begin(store, { owner, conversation_id: newId('conv') });
    await store.finishTask(completion(before, 'done'));
    const known = newTask({ owner, name: 'scout' });
    await store.acceptTask(known, keyOf('known'));
    const task = (given: Partial<NewTask> = {}) => newTask({ owner, ...given });
    const rejecting = (conversation_id: string) => task({ conversation_id, on_busy: 'reject' });
    const made = newId('conv');

    const plain = task();
    const joining = task({ conversation_id: made });
    const following = task({ conversation_id: before.conversation_id });
    const named = task({ name: 'novice' });
    const elsewhere = task({ name: 'scout', conversation_id: newId('conv') });
    const outcomes = await Promise.allSettled([
      store.acceptTask(plain),
      store.acceptTask(task({ conversation_id: foreign.conversation_id }), keyOf('foreign')),
      store.acceptTask(joining, keyOf('joining')),
      store.acceptTask(rejecting(String(busy.conversation_id)), keyOf('busy')),
      store.acceptTask(task(), keyOf('known')),
      store.acceptTask(following),
      store.acceptTask(task({ conversation_id: newId('conv') }), keyOf('known', 'other')),
      store.acceptTask(task({ name: 'scout' }), keyOf('named')),
      store.acceptTask(named),
      store.acceptTask(task({ name: 'novice' })),
      store.acceptTask(elsewhere),
      store.acceptTask(task({ conversation_id: made }), keyOf('joining')),
      store.acceptTask(rejecting(made)),
    ]);

    expect(outcomes.map(summary)).toEqual([
      [plain.id, true],
      null,
      [joining.id, true],
      'conversation_busy',
      [known.id, false],
      [following.id, true],
      'idempotency_key_reused',
      'name_taken',
      [named.id, true],
      'name_taken',
      [elsewhere.id, true],
      [joining.id, false],
      'conversation_busy',
    ]);
    const created = [plain, joining, following, named, elsewhere].map(({ id }) => id);
    expect(await tasksOf(owner)).toEqual([busy.id, before.id, known.id, ...created]);
    expect(await conversationsOf(owner)).toEqual([
      busy.conversation_id,
      before.conversation_id,
      made,
      elsewhere.conversation_id,
    ]);
    expect(
      await rows(
        subject(),
        `select key, task_id from idempotency_keys where owner = '${owner}' order by key`,
      ),
    ).toEqual([
      { key: 'joining', task_id: joining.id },
      { key: 'known', task_id: known.id },
    ]);
    expect(await messagesOf(store, String(busy.conversation_id))).toHaveLength(1);
    expect(await messagesOf(store, String(foreign.conversation_id))).toHaveLength(1);
    expect(await messagesOf(store, made)).toMatchObject([{ task_id: joining.id, ordinal: 1 }]);
    await store.finishTask(completion(busy, 'done'));
    const next = { owner, conversation_id: busy.conversation_id };
    expect(await accept(store, next)).toMatchObject({ ordinal: 2 });
    expect(await store.getTask(following.id)).toMatchObject({ ordinal: 2 });
  });

  it('makes one task of starts with one key, and one of starts with one name', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const keyed = await Promise.all(
      times(20, () => store.acceptTask(newTask({ owner }), keyOf('k'))),
    );
    expect(new Set(keyed.map((result) => result?.task.id)).size).toBe(1);
    const named = await Promise.allSettled(
      times(20, () => accept(store, { owner, name: 'scout' })),
    );
    expect(named.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await tasksOf(owner)).toHaveLength(2);
  });

  it('does not refuse the others where the database refuses one', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const there = await accept(store);
    const asked = times(12, (i) => newTask({ owner, ...(i === 7 && { id: there.id }) }));
    const outcomes = await Promise.allSettled(
      asked.map((task, i) => store.acceptTask(task, keyOf(`k${i}`))),
    );
    expect(outcomes[7]).toMatchObject({ reason: { code: '23505', constraint: 'tasks_pkey' } });
    const others = asked.toSpliced(7, 1).map(({ id }) => id);
    expect(await tasksOf(owner)).toEqual(others);
    expect(outcomes.toSpliced(7, 1).map(summary)).toEqual(others.map((id) => [id, true]));
  });

  it('lets two stores accept bursts of one owner, each in its order', async () => {
    const { store, database } = subject();
    const other = createStore(database);
    const owner = newId('owner');
    const conversations = times(20, () => newId('conv'));
    const ask = (conversation_id: string) => newTask({ owner, conversation_id, on_busy: 'reject' });
    const forth = conversations.map(ask);
    const back = conversations.toReversed().map(ask);
    const outcomes = await Promise.allSettled([
      ...forth.map((task) => store.acceptTask(task)),
      ...back.map((task) => other.acceptTask(task)),
    ]);
    const refused = outcomes.filter(({ status }) => status === 'rejected').map(summary);
    expect(refused).toEqual(conversations.map(() => 'conversation_busy'));
    const stored = await tasksOf(owner);
    for (const asked of [forth, back]) {
      const ids = asked.map(({ id }) => id).filter((id) => stored.includes(id));
      expect(stored.filter((id) => ids.includes(id))).toEqual(ids);
    }
  });

  it('gives a conversation that two owners start at once to one of them', async () => {
    const { store, database } = subject();
    const other = createStore(database);
    const [one, two] = [newId('owner'), newId('owner')];
    const conversations = times(20, () => newId('conv'));
    const outcomes = await Promise.all([
      ...conversations.map((conversation_id) =>
        store.acceptTask(newTask({ owner: one, conversation_id }), keyOf(conversation_id)),
      ),
      ...conversations
        .toReversed()
        .map((conversation_id) =>
          other.acceptTask(newTask({ owner: two, conversation_id }), keyOf(conversation_id)),
        ),
    ]);
    const created = outcomes.filter((result) => result?.created);
    const joined = created.map((result) => result?.task.conversation_id);
    expect(joined.toSorted()).toEqual(conversations.toSorted());
    for (const owner of [one, two]) {
      const own = created.filter((result) => result?.task.owner === owner);
      expect((await conversationsOf(owner)).length).toBe(own.length);
      expect(
        await rows(subject(), `select 1 from idempotency_keys where owner = '${owner}'`),
      ).toHaveLength(own.length);
    }
  });
}

/** Id and `created` of a start that was accepted, null for a foreign conversation, the code of a refusal. */
function summary(
  outcome: PromiseSettledResult<{ task: { id: string }; created: boolean } | null>,
): unknown {
  if (outcome.status === 'rejected') return (outcome.reason as { code: unknown }).code;
  return outcome.value && [outcome.value.task.id, outcome.value.created];
}
