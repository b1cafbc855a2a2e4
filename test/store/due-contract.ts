import { expect, it } from 'vitest';
import type { TaskRecord } from '../../contract/task.ts';
import { accept, begin, completion, newId, now, rows, type Subject } from './fixtures.ts';

const HOUR_MS = 3_600_000;
const ANY = 10_000;

/** Ids of the owner's tasks: the other tests of the suite leave some of their own. */
const idsOf = (owner: string, tasks: TaskRecord[]) =>
  tasks.filter((task) => task.owner === owner).map(({ id }) => id);

export function dueContract(subject: () => Subject): void {
  it('finds PENDING tasks that nobody started, oldest first, until they have been tried', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const tasks = [await accept(store, { owner }), await accept(store, { owner })];
    await begin(store, { owner });
    expect(idsOf(owner, await store.dueStarts(HOUR_MS, ANY))).toEqual([]);
    expect(idsOf(owner, await store.dueStarts(0, ANY))).toEqual(tasks.map(({ id }) => id));
    expect(idsOf(owner, await store.dueStarts(HOUR_MS, ANY))).toEqual([]);
    expect(idsOf(owner, await store.dueStarts(0, ANY))).toHaveLength(2);
  });

  it('leaves a task whose start was accepted alone for a minute', async () => {
    const { store } = subject();
    const { id, owner } = await accept(store);
    await store.markStarted(id);
    expect(idsOf(owner, await store.dueStarts(0, ANY))).toEqual([]);
    await rows(
      subject(),
      `update tasks set start_accepted_at = now() - interval '61 s' where id = '${id}'`,
    );
    expect(idsOf(owner, await store.dueStarts(0, ANY))).toEqual([id]);
  });

  it('gives each due task to one of several reconcilers', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const created = await Promise.all(Array.from({ length: 20 }, () => accept(store, { owner })));
    await rows(
      subject(),
      `update tasks set created_at = now() - interval '2 h' where owner = '${owner}'`,
    );
    const takes = await Promise.all(Array.from({ length: 5 }, () => store.dueStarts(HOUR_MS, ANY)));
    const taken = takes.flatMap((tasks) => idsOf(owner, tasks));
    expect(taken.sort()).toEqual(created.map(({ id }) => id).sort());
  });

  it('finds recorded cancels until Temporal has accepted them, where a workflow may exist', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const cancel = (id: string) =>
      store.requestCancel(id, owner, { at: now(), by: null, reason: null });
    const running = await begin(store, { owner });
    const started = await accept(store, { owner });
    const untouched = await accept(store, { owner });
    await store.markStarted(started.id);
    await Promise.all([running, started, untouched].map(({ id }) => cancel(id)));
    await store.finishTask(completion(running, 'done'));
    expect(idsOf(owner, await store.dueCancels(ANY))).toEqual([running.id, started.id]);
    await store.markCancelSent(running.id);
    expect(idsOf(owner, await store.dueCancels(ANY))).toEqual([started.id]);
  });

  it('finds RUNNING tasks that were not looked at, and counts them as looked at', async () => {
    const { store } = subject();
    const { id, owner } = await begin(store);
    expect(idsOf(owner, await store.dueChecks(HOUR_MS, ANY))).toEqual([]);
    await rows(
      subject(),
      `update tasks set checked_at = now() - interval '2 h' where id = '${id}'`,
    );
    expect(idsOf(owner, await store.dueChecks(HOUR_MS, ANY))).toEqual([id]);
    expect(idsOf(owner, await store.dueChecks(HOUR_MS, ANY))).toEqual([]);
  });

  it('T7 begins a task once more for another run of it, and not after its end', async () => {
    const { store } = subject();
    const { id } = await accept(store);
    const first = await store.beginTask(id, 'run-1');
    expect(first).toMatchObject({ status: 'RUNNING', run_id: 'run-1' });
    const second = await store.beginTask(id, 'run-2');
    expect(second).toEqual({ ...first, run_id: 'run-2' });
    await store.finishTask(completion(second!, 'done'));
    expect(await store.beginTask(id, 'run-3')).toBeNull();
    expect(await store.beginTask(newId('task'), 'run-1')).toBeNull();
  });
}
