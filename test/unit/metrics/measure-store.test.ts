import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../../metrics/create-metrics.ts';
import { measureStore } from '../../../metrics/measure-store.ts';
import { StoreUnavailable, TaskAbsent } from '../../../store/errors.ts';
import { openMemoryStore } from '../../../store/open-store.ts';
import { StoreRefusal } from '../../../store/refusal.ts';
import { BadPageCursor, type Store } from '../../../store/store.ts';
import { accept, begin, completion, failure, newId, newTask, now } from '../../store/fixtures.ts';
import { samplesOf } from '../../support/metrics.ts';
import { createStoreFaults, REFUSED } from '../../support/store-faults.ts';

describe('a store whose work is counted', () => {
  let memory: Store;
  const faults = createStoreFaults();
  let store: Store;
  let metrics: Metrics;
  beforeAll(async () => {
    memory = await openMemoryStore();
  });
  beforeEach(() => {
    metrics = createMetrics();
    faults.heal();
    store = measureStore(faults.wrap(memory), metrics);
  });
  afterAll(() => memory[Symbol.asyncDispose]());

  /** What is not zero. */
  async function counted(): Promise<Record<string, number>> {
    const samples = Object.entries(samplesOf(await metrics.registry.metrics()));
    return Object.fromEntries(
      samples.filter(([name, value]) => value !== 0 && !name.includes('_bucket{')),
    );
  }
  const cancel = (at = now()) => ({ at, by: null, reason: null });
  const ended = (outcome: string) => `holdfast_tasks_ended_total{outcome="${outcome}"}`;

  it('counts what is accepted, begins and ends, once each', async () => {
    const task = newTask();
    const key = { key: 'k', requestHash: 'h' };
    await store.acceptTask(task, key);
    await store.acceptTask(newTask({ owner: task.owner }), key);
    await store.beginTask(task.id, 'run-1');
    const record = (await store.getTask(task.id))!;
    for (const end of [completion(record, 'yes'), failure(record, [])]) await store.finishTask(end);
    const failed = await begin(store);
    await store.finishTask(failure(failed, []));
    expect(await counted()).toEqual({
      holdfast_tasks_accepted_total: 2,
      holdfast_tasks_started_total: 2,
      [ended('completed')]: 1,
      [ended('model_error')]: 1,
    });
  });

  it('counts every way in which a cancel ends what has not begun', async () => {
    const request = cancel();
    for (const cancelling of ['requestCancel', 'requestTreeCancel'] as const) {
      const { id, owner } = await accept(store);
      await store[cancelling](id, owner, request);
      await store[cancelling](id, owner, request);
    }
    const [owner, conversation_id] = [newId('owner'), newId('conv')];
    await accept(store, { owner, conversation_id });
    await store.acceptTask(newTask({ owner, conversation_id, on_busy: 'interrupt' }));
    await store.cancelConversation(conversation_id, owner, request);
    expect(await counted()).toEqual({
      holdfast_tasks_accepted_total: 4,
      [ended('cancelled')]: 4,
    });
  });

  it('measures from the recorded cancel of a running task to its end, in seconds', async () => {
    const task = await begin(store);
    const at = Date.now();
    const requested = cancel(new Date(at).toISOString());
    await store.requestCancel(task.id, task.owner, requested);
    const end = { ...completion(task, 'half'), at: new Date(at + 1_500).toISOString() };
    await store.finishTask(end);
    expect(await counted()).toMatchObject({
      [ended('cancelled')]: 1,
      holdfast_cancel_stop_latency_seconds_sum: 1.5,
      holdfast_cancel_stop_latency_seconds_count: 1,
    });
  });

  it('takes an end that seems to lie before its cancel for one at once: clocks differ', async () => {
    const task = await begin(store);
    const later = new Date(Date.now() + 60_000).toISOString();
    await store.requestCancel(task.id, task.owner, cancel(later));
    await store.finishTask(completion(task, 'half'));
    expect(await counted()).toMatchObject({ holdfast_cancel_stop_latency_seconds_count: 1 });
    expect(await counted()).not.toHaveProperty('holdfast_cancel_stop_latency_seconds_sum');
  });

  it('counts calls that fail, and hands their errors on; what the record refuses is an answer', async () => {
    const task = await begin(store);
    await expect(store.deleteTask(task.id, task.owner)).rejects.toBeInstanceOf(StoreRefusal);
    const absent = completion({ ...task, id: newId('task') }, 'x');
    await expect(store.finishTask(absent)).rejects.toBeInstanceOf(TaskAbsent);
    const page = { limit: 1, order: 'asc', cursor: 'nonsense' } as const;
    await expect(store.listTasks({ owner: task.owner }, page)).rejects.toBeInstanceOf(
      BadPageCursor,
    );
    const before = await counted();
    expect(before).not.toHaveProperty('holdfast_store_errors_total{reason="failed"}');

    const { log, ...end } = completion(task, 'x');
    const holed = log.filter(({ seq }) => seq !== 3);
    await expect(store.finishTask({ ...end, log: holed })).rejects.toThrow('missing');
    faults.refuseAll();
    await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.finishTask(completion(task, 'x'))).rejects.toThrow(REFUSED);
    expect(await counted()).toEqual({
      ...before,
      'holdfast_store_errors_total{reason="failed"}': 1,
      'holdfast_store_errors_total{reason="unavailable"}': 2,
    });
  });
});
