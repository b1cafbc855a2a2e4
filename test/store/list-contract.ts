import { expect, it } from 'vitest';
import type { Store, TaskFilter } from '../../store/store.ts';
import { BadPageCursor } from '../../store/store.ts';
import { accept, begin, completion, failure, newId, rows, type Subject } from './fixtures.ts';

/** Ids of all pages, one after the other. */
async function walk(
  store: Store,
  filter: TaskFilter,
  page: { limit: number; order: 'asc' | 'desc' },
) {
  const ids: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const { data, next_cursor } = await store.listTasks(filter, {
      ...page,
      ...(cursor && { cursor }),
    });
    ids.push(...data.map(({ id }) => id));
    cursor = next_cursor;
  }
  return ids;
}

const ALL = { limit: 100, order: 'asc' } as const;

export function listContract(subject: () => Subject): void {
  it('T4 filters by one status, by several, and by any combination', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const metadata = { env: 'test', team: 'a' };
    const conversation_id = newId('conv');
    const pending = await accept(store, { owner, metadata, name: 'scout' });
    const parent = { task_id: pending.id };
    const running = await begin(store, {
      owner,
      metadata: { env: 'test' },
      agent: 'other',
      parent,
    });
    const done = await begin(store, { owner, conversation_id });
    await store.finishTask(completion(done, 'done'));
    const failed = await begin(store, { owner, type: 'tool_run' });
    await store.finishTask(failure(failed, []));
    await accept(store, { metadata });
    const list = (filter: Omit<TaskFilter, 'owner'>) => walk(store, { owner, ...filter }, ALL);

    expect(await list({})).toEqual([pending.id, running.id, done.id, failed.id]);
    expect(await list({ status: ['PENDING'] })).toEqual([pending.id]);
    expect(await list({ status: ['COMPLETED', 'RUNNING'] })).toEqual([running.id, done.id]);
    expect(await list({ failure: 'model_error' })).toEqual([failed.id]);
    expect(await list({ failure: 'cancelled' })).toEqual([]);
    expect(await list({ type: 'tool_run', status: ['FAILED'] })).toEqual([failed.id]);
    expect(await list({ type: 'tool_run', status: ['RUNNING'] })).toEqual([]);
    expect(await list({ agent: 'other' })).toEqual([running.id]);
    expect(await list({ conversation_id })).toEqual([done.id]);
    expect(await list({ parent_task_id: parent.task_id })).toEqual([running.id]);
    expect(await list({ name: 'scout' })).toEqual([pending.id]);
    expect(await list({ metadata: { env: 'test' } })).toEqual([pending.id, running.id]);
    expect(await list({ metadata })).toEqual([pending.id]);
    expect(await list({ metadata: { env: "'; drop table tasks; --" } })).toEqual([]);
  });

  it('lists what was created after one time and before another', async () => {
    const { store } = subject();
    const { owner, id } = await accept(store);
    await rows(
      subject(),
      `update tasks set created_at = '2026-01-02T03:04:05.678Z' where id = '${id}'`,
    );
    const list = (filter: Omit<TaskFilter, 'owner'>) => walk(store, { owner, ...filter }, ALL);
    expect(await list({ created_after: '2026-01-02T03:04:05.677Z' })).toEqual([id]);
    expect(await list({ created_before: '2026-01-02T04:04:05.679+01:00' })).toEqual([id]);
    expect(await list({ created_after: '2026-01-02T03:04:05.678Z' })).toEqual([]);
    expect(await list({ created_before: '2026-01-02T03:04:05.678Z' })).toEqual([]);
  });

  it('never lists, and never gets, what belongs to another owner', async () => {
    const { store } = subject();
    const mine = await accept(store);
    const theirs = await accept(store);
    expect(await walk(store, { owner: mine.owner }, ALL)).toEqual([mine.id]);
    expect(await store.getTask(theirs.id, mine.owner)).toBeNull();
  });

  it('T10 pages through tasks in the order of creation, without hole or repeat, while others arrive', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const arrive = (count: number) =>
      Promise.all(Array.from({ length: count }, () => accept(store, { owner })));
    const before = (await arrive(20)).map(({ id }) => id);
    const [down, up] = await Promise.all([
      walk(store, { owner }, { limit: 3, order: 'desc' }),
      walk(store, { owner }, { limit: 3, order: 'asc' }),
      arrive(20),
    ]);
    const all = await walk(store, { owner }, ALL);
    expect(all).toHaveLength(40);
    expect(new Set(all.slice(0, 20))).toEqual(new Set(before));
    expect(all.slice(0, up.length)).toEqual(up);
    expect(all.toReversed().slice(-down.length)).toEqual(down);
    expect(down.length).toBeGreaterThanOrEqual(20);
    expect(await walk(store, { owner }, { limit: 7, order: 'desc' })).toEqual(all.toReversed());
  });

  it.each(['', '!', 'abc', Buffer.from('-1').toString('base64url'), 'MQ=='])(
    'throws BadPageCursor for the cursor "%s"',
    async (cursor) => {
      const list = subject().store.listTasks({ owner: 'o' }, { ...ALL, cursor });
      await expect(list).rejects.toBeInstanceOf(BadPageCursor);
    },
  );

  it('T12 reads a row that an older version wrote without newer fields', async () => {
    const { store } = subject();
    const id = newId('task');
    await rows(
      subject(),
      `insert into tasks (id, owner, agent, status, input, limits, usage, created_at)
      values ('${id}', '${id}', 'default', 'RUNNING', '"hello"', '{"max_steps":3}', '{}', now())`,
    );
    const task = await store.getTask(id);
    expect(task).toMatchObject({
      type: 'agent_run',
      input: 'hello',
      metadata: {},
      epoch: 1,
      last_seq: 0,
    });
    expect(task?.limits).toEqual({ timeout_seconds: null, max_steps: 3 });
    expect(task?.usage).toEqual({ input_tokens: 0, output_tokens: 0, estimated: false });
    expect(await store.finishTask(failure(task!, []))).toMatchObject({ won: true });
    expect(await walk(store, { owner: id, status: ['FAILED'] }, ALL)).toEqual([id]);
  });
}
