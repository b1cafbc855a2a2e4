import { expect, it } from 'vitest';
import type { TaskRecord } from '../../contract/task.ts';
import { accept, begin, completion, messagesOf, newId, type Subject } from './fixtures.ts';

/** What becomes of the ends of detached tasks. */
export function resultsContract(subject: () => Subject): void {
  const newShared = () => ({ owner: newId('owner'), conversation_id: newId('conv') });
  type Shared = ReturnType<typeof newShared>;
  const detach = (shared: Shared) => begin(subject().store, { ...shared, detached: true });
  const end = (task: TaskRecord) => subject().store.finishTask(completion(task, 'done'));
  const claim = async ({ owner, conversation_id }: Shared, claimId: string, limit = 100) => {
    const { store } = subject();
    const results = await store.claimResults(conversation_id, owner, { claimId, limit });
    return results?.map(({ id }) => id);
  };

  it('runs a detached task beside the others: it takes no turn and adds no message', async () => {
    const { store } = subject();
    const shared = newShared();
    const before = await begin(store, { ...shared, input: 'one' });
    const beside = await detach(shared);
    expect(beside).toMatchObject({ queued: null, detached: true });
    expect((await end(beside)).next).toBeNull();
    await end(before);
    const reading = { from: 0, before: beside.turn };
    expect(await store.readConversation(shared.conversation_id, reading)).toEqual([]);
    await detach(shared);
    expect(await accept(store, { ...shared, on_busy: 'reject' })).toMatchObject({ queued: null });
    const said = await messagesOf(store, shared.conversation_id);
    expect(said.map(({ content }) => content)).toEqual(['one', 'done', 'a question']);
  });

  it('B1 B2 delivers ended detached tasks once, first ended first, and leaves running ones', async () => {
    const shared = newShared();
    const [one, two, three] = [await detach(shared), await detach(shared), await detach(shared)];
    expect(await claim(shared, 'a')).toEqual([]);
    await end(two);
    await end(one);
    expect(await claim(shared, 'b')).toEqual([two.id, one.id]);
    expect(await claim(shared, 'c')).toEqual([]);
    await end(three);
    expect(await claim(shared, 'd')).toEqual([three.id]);
    expect(await claim({ ...shared, owner: 'owner_x' }, 'e')).toBeUndefined();
  });

  it('B4 gives a claim that is repeated the same answer, whatever has ended meanwhile', async () => {
    const shared = newShared();
    const tasks = [await detach(shared), await detach(shared), await detach(shared)];
    const ids = tasks.map(({ id }) => id);
    await end(tasks[0]!);
    await end(tasks[1]!);
    expect(await claim(shared, 'a', 1)).toEqual([ids[0]]);
    await end(tasks[2]!);
    expect(await claim(shared, 'a')).toEqual([ids[0]]);
    expect(await claim(shared, 'b')).toEqual([ids[1], ids[2]]);
    expect(await claim(newShared(), 'a')).toBeUndefined();
    await subject().store.deleteTask(ids[0]!, shared.owner);
    expect(await claim(shared, 'a')).toEqual([]);
  });

  it('B4 delivers each task to one of many claims at once', async () => {
    const shared = newShared();
    const tasks = await Promise.all(Array.from({ length: 12 }, () => detach(shared)));
    await Promise.all(tasks.map(end));
    const claims = Array.from({ length: 6 }, (_, n) => claim(shared, `claim ${n}`, 3));
    const delivered = (await Promise.all(claims)).flatMap((ids) => ids ?? []);
    expect(delivered.toSorted()).toEqual(tasks.map(({ id }) => id).toSorted());
  });

  it('B3 M5 forgets ended and delivered tasks, and neither running nor undelivered ones', async () => {
    const { store } = subject();
    const shared = newShared();
    const turn = await begin(store, shared);
    const [claimed, due, running] = [
      await detach(shared),
      await detach(shared),
      await detach(shared),
    ];
    await end(claimed);
    expect(await claim(shared, 'a')).toEqual([claimed.id]);
    await end(due);
    const forget = (owner: string) => store.forgetEndedTasks(shared.conversation_id, owner);
    expect(await forget('owner_x')).toBeNull();
    expect(await forget(shared.owner)).toEqual([claimed.id]);
    await end(turn);
    expect(await forget(shared.owner)).toEqual([turn.id]);
    expect(await claim(shared, 'b')).toEqual([due.id]);
    expect(await forget(shared.owner)).toEqual([due.id]);
    expect(await claim(shared, 'c')).toEqual([]);
    expect(await store.getTask(running.id)).toMatchObject({ status: 'RUNNING' });
    expect(await messagesOf(store, shared.conversation_id)).toHaveLength(2);
  });
}
