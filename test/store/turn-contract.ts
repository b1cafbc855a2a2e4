import { expect, it } from 'vitest';
import type { OnBusy, TaskRecord } from '../../contract/task.ts';
import { createStore } from '../../store/create-store.ts';
import {
  accept,
  begin,
  completion,
  failure,
  messagesOf,
  newId,
  newTask,
  now,
  rows,
  type Subject,
} from './fixtures.ts';

const CANCEL = { by: null, reason: null };
const ANY = 10_000;

/** How the tasks of one conversation follow each other. */
export function turnContract(subject: () => Subject): void {
  const newShared = () => ({ owner: newId('owner'), conversation_id: newId('conv') });
  type Shared = ReturnType<typeof newShared>;
  const start = async (shared: Shared, input: string, on_busy?: OnBusy) => {
    const accepted = await subject().store.acceptTask(newTask({ ...shared, input, on_busy }));
    return accepted!;
  };
  const enqueue = async (shared: Shared, input: string) => (await start(shared, input)).task;
  const end = (task: TaskRecord) =>
    subject().store.finishTask(completion(task, `to ${task.input}`));
  const said = async ({ conversation_id }: Shared) =>
    (await messagesOf(subject().store, conversation_id)).map(({ content }) => content);
  const reads = async ({ conversation_id }: Shared, { turn }: TaskRecord) => {
    const turns = { from: 0, before: turn };
    const messages = await subject().store.readConversation(conversation_id, turns);
    return messages.map(({ content }) => content);
  };
  /** The tasks in the order in which they have their turn, each of them ended at once. */
  const runAll = async (first: TaskRecord | null) => {
    const inputs: unknown[] = [];
    for (let task = first; task; task = (await end(task)).next) {
      await subject().store.beginTask(task.id, 'run');
      inputs.push(task.input);
    }
    return inputs;
  };

  it('gives the turn to those that wait in their order, one at a time', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await enqueue(shared, 'one');
    const two = await enqueue(shared, 'two');
    const three = await enqueue(shared, 'three');
    expect([one, two, three].map(({ queued }) => queued)).toEqual([null, 'in_order', 'in_order']);
    expect(await store.beginTask(two.id, 'run-2')).toBeNull();
    const { next } = await end(one);
    expect(next).toEqual({ ...two, queued: null });
    expect(await store.beginTask(three.id, 'run-3')).toBeNull();
    expect(await reads(shared, two)).toEqual(['one', 'to one']);
    expect(await end(one)).toMatchObject({ won: false, next: null });
    expect((await end(two)).next).toEqual({ ...three, queued: null });
    expect((await end(three)).next).toBeNull();
    expect((await enqueue(shared, 'four')).queued).toBeNull();
  });

  it('keeps the order of a burst, also where two stores accept it', async () => {
    const { database, store } = subject();
    const other = createStore(database);
    const shared = newShared();
    const asked = Array.from({ length: 20 }, (_, n) => newTask({ ...shared, input: `${n}` }));
    const accepted = await Promise.all(asked.map((task) => store.acceptTask(task)));
    await Promise.all(
      asked.slice(10).map(({ input }) => other.acceptTask(newTask({ ...shared, input }))),
    );
    expect(accepted.map((result) => result?.task.ordinal)).toEqual(asked.map((_, n) => n + 1));
    const inputs = await runAll(accepted[0]!.task);
    expect(inputs.slice(0, 20)).toEqual(asked.map(({ input }) => input));
    expect(inputs).toHaveLength(30);
  });

  it('loses nobody who comes in the moment of an end', async () => {
    const { store } = subject();
    for (let round = 0; round < 10; round += 1) {
      const shared = newShared();
      const first = await begin(store, shared);
      const [{ next }, later] = await Promise.all([end(first), enqueue(shared, 'later')]);
      const has = (await store.getTask(later.id))!;
      expect(has.queued).toBeNull();
      expect(next?.id ?? null).toBe(later.queued === null ? null : later.id);
    }
  });

  it('never lets two have their turn, nor nobody while one waits, whatever comes at once', async () => {
    const { store, database } = subject();
    const other = createStore(database);
    const shared = newShared();
    const ask = (on_busy: OnBusy, input = 'more') => newTask({ ...shared, input, on_busy });
    const active = async () => {
      const filter = { ...shared, status: ['PENDING', 'RUNNING'] as const };
      return (await store.listTasks(filter, { limit: 100, order: 'asc' })).data;
    };
    for (let round = 0; round < 10; round += 1) {
      const first = await begin(store, shared);
      const second = await enqueue(shared, 'two');
      const cancel = { at: now(), ...CANCEL };
      await Promise.all([
        store.acceptTask(ask('enqueue')),
        other.acceptTask(ask(round % 2 ? 'interrupt' : 'rollback')),
        end(first),
        store.requestCancel(second.id, shared.owner, cancel),
        other.acceptTask(ask('enqueue')),
      ]);
      const holders = (await active()).filter(({ queued }) => queued === null);
      expect(holders).toHaveLength(1);
      await runAll(holders[0]!);
      expect(await active()).toEqual([]);
    }
  });

  it('refuses where it is asked to, while tasks have not ended', async () => {
    const { store } = subject();
    const shared = newShared();
    const first = await enqueue(shared, 'one');
    const refused = start(shared, 'two', 'reject');
    await expect(refused).rejects.toMatchObject({ code: 'conversation_busy' });
    await end(first);
    expect((await start(shared, 'three', 'reject')).task).toMatchObject({ queued: null });
    expect(await said(shared)).toEqual(['one', 'to one', 'three']);
    expect(await store.getConversation(shared.conversation_id, shared.owner)).not.toBeNull();
  });

  it('lets the queue go on when a task in it is cancelled, and when its head is', async () => {
    const { store } = subject();
    const shared = newShared();
    const [one, two, three, four] = [
      await enqueue(shared, 'one'),
      await enqueue(shared, 'two'),
      await enqueue(shared, 'three'),
      await enqueue(shared, 'four'),
    ];
    const cancel = ({ id, owner }: TaskRecord) =>
      store.requestCancel(id, owner, { at: now(), ...CANCEL });
    expect(await cancel(two)).toMatchObject({ kind: 'ended', next: null, task: { queued: null } });
    expect(await cancel(one)).toMatchObject({ kind: 'ended', next: { id: three.id } });
    expect((await end(three)).next?.id).toBe(four.id);
  });

  it('interrupts the task that has its turn, goes ahead of the queue and waits for its end', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await begin(store, { ...shared, input: 'one' });
    const two = await enqueue(shared, 'two');
    const three = await enqueue(shared, 'three');
    const { task, interrupted } = await start(shared, 'now', 'interrupt');
    const request = { by: shared.owner, reason: `interrupted by ${task.id}` };
    expect(interrupted).toMatchObject([
      { kind: 'requested', task: { id: one.id, cancel_request: request } },
    ]);
    expect(task).toMatchObject({ queued: 'ahead', ordinal: 4, turn: 2 });
    expect(await store.getTask(three.id)).toMatchObject({ ordinal: 3, turn: 4 });
    expect((await end(one)).next?.id).toBe(task.id);
    expect(await reads(shared, task)).toEqual(['one', 'to one']);
    expect(await runAll(await store.getTask(task.id))).toEqual(['now', 'two', 'three']);
    expect(await said(shared)).toEqual(
      ['one', 'now', 'two', 'three'].flatMap((input) => [input, `to ${input}`]),
    );
    expect(await reads(shared, (await store.getTask(two.id))!)).toEqual(
      ['one', 'now'].flatMap((input) => [input, `to ${input}`]),
    );
  });

  it('is itself interrupted while it waits for the end of what it has interrupted', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await begin(store, { ...shared, input: 'one' });
    const { task: two } = await start(shared, 'two', 'interrupt');
    const { task: three, interrupted } = await start(shared, 'three', 'interrupt');
    expect(interrupted.map(({ kind, task }) => [task.id, kind])).toEqual([
      [one.id, 'requested'],
      [two.id, 'ended'],
    ]);
    expect((await end(one)).next?.id).toBe(three.id);
  });

  it('has its turn at once where the task before it had not begun', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await enqueue(shared, 'one');
    const two = await enqueue(shared, 'two');
    const { task, interrupted } = await start(shared, 'now', 'rollback');
    expect(interrupted).toMatchObject([{ kind: 'ended', task: { id: one.id, status: 'FAILED' } }]);
    expect(task.queued).toBeNull();
    expect(await said(shared)).toEqual(['now', 'two']);
    expect(await runAll(task)).toEqual(['now', 'two']);
    expect((await store.getTask(two.id))?.status).toBe('COMPLETED');
  });

  it('rolls back what the cancelled task has said and says until its end, and keeps it', async () => {
    const { store } = subject();
    const shared = newShared();
    await end(await begin(store, { ...shared, input: 'zero' }));
    const one = await begin(store, { ...shared, input: 'one' });
    const { task } = await start(shared, 'now', 'rollback');
    await end(one);
    expect(await said(shared)).toEqual(['zero', 'to zero', 'now']);
    expect(await reads(shared, task)).toEqual(['zero', 'to zero']);
    const page = { limit: 100, order: 'asc', rolledBack: true } as const;
    const { data } = await store.listMessages(shared.conversation_id, page);
    expect(data.map(({ content, rolled_back }) => [content, rolled_back])).toEqual([
      ['zero', false],
      ['to zero', false],
      ['one', true],
      ['to one', true],
      ['now', false],
    ]);
    expect(await store.getTask(one.id)).toMatchObject({ partial_output: 'to one' });
  });

  it('passes on a turn that nobody has, as an older version leaves it', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await enqueue(shared, 'one');
    const two = await enqueue(shared, 'two');
    await rows(subject(), `update tasks set status = 'FAILED' where id = '${one.id}'`);
    const due = async () =>
      (await store.dueStarts(0, ANY)).filter(({ owner }) => owner === shared.owner);
    await due();
    expect((await due()).map(({ id }) => id)).toEqual([two.id]);
    expect(await store.getTask(two.id)).toMatchObject({ queued: null });
  });

  it('does not find a task due that waits for its turn, until it has it', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await begin(store, shared);
    const two = await enqueue(shared, 'two');
    const due = async () =>
      (await store.dueStarts(0, ANY)).filter(({ owner }) => owner === shared.owner);
    expect(await due()).toEqual([]);
    await end(one);
    expect((await due()).map(({ id }) => id)).toEqual([two.id]);
  });

  it('M4 lists a conversation as busy from the start of its tasks to their end', async () => {
    const { store } = subject();
    const shared = newShared();
    const active = async () => {
      const filter = { ...shared, status: ['PENDING', 'RUNNING'] as const };
      return (await store.listTasks(filter, { limit: 100, order: 'asc' })).data.length;
    };
    expect(await active()).toBe(0);
    const one = await enqueue(shared, 'one');
    const two = await enqueue(shared, 'two');
    expect(await active()).toBe(2);
    await end(one);
    expect(await active()).toBe(1);
    await store.finishTask(failure(two, []));
    expect(await active()).toBe(0);
  });

  it('cancels all of a conversation at once, and nothing of another', async () => {
    const { store } = subject();
    const shared = newShared();
    const running = await begin(store, { ...shared, input: 'one' });
    const waiting = await enqueue(shared, 'two');
    const beside = await begin(store, { ...shared, detached: true });
    const other = await begin(store, { owner: shared.owner, conversation_id: newId('conv') });
    const request = { at: now(), by: null, reason: 'enough' };
    const cancel = (owner: string) =>
      store.cancelConversation(shared.conversation_id, owner, request);
    expect(await cancel('owner_x')).toBeNull();
    expect(await cancel(shared.owner)).toMatchObject([
      { kind: 'requested', task: { id: running.id } },
      { kind: 'ended', task: { id: waiting.id, status: 'FAILED' }, next: null },
      { kind: 'requested', task: { id: beside.id } },
    ]);
    expect((await end(running)).next).toBeNull();
    expect((await store.getTask(other.id))?.cancel_request).toBeNull();
    await end(beside);
    expect(await cancel(shared.owner)).toEqual([]);
  });

  it('R6 goes on from an ended task in its conversation, whose partial answer stands there or does not', async () => {
    const { store } = subject();
    const shared = newShared();
    const one = await begin(store, { ...shared, input: 'one' });
    await store.requestCancel(one.id, shared.owner, { at: now(), ...CANCEL });
    await end(one);
    const goOn = (partial: 'keep' | 'discard') =>
      accept(store, { ...shared, input: partial, continue_from: { task_id: one.id, partial } });
    const discarding = await goOn('discard');
    expect(await reads(shared, discarding)).toEqual(['one']);
    const keeping = await goOn('keep');
    expect(await reads(shared, discarding)).toEqual(['one']);
    await end(discarding);
    expect(await reads(shared, keeping)).toEqual(['one', 'to one', 'discard', 'to discard']);
    expect(keeping.continue_from).toEqual({ task_id: one.id, partial: 'keep' });
  });

  it('goes on from no task that is absent, foreign or has not ended', async () => {
    const { store } = subject();
    const { id: task_id, owner } = await begin(store);
    const goOn = (by: string, from: string) =>
      accept(store, { owner: by, continue_from: { task_id: from, partial: 'keep' } });
    await expect(goOn(owner, task_id)).rejects.toMatchObject({ code: 'task_not_terminal' });
    await expect(goOn('owner_x', task_id)).rejects.toMatchObject({ code: 'task_not_found' });
    await expect(goOn(owner, newId('task'))).rejects.toMatchObject({ code: 'task_not_found' });
  });
}
