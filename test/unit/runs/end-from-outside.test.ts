import { ServiceError } from '@temporalio/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endFromOutside } from '../../../activities/end-from-outside.ts';
import type { EventsRequest } from '../../../contract/run-messages.ts';
import { createMetrics } from '../../../metrics/create-metrics.ts';
import type { RunClient } from '../../../runs/run-client.ts';
import { createInProcessRelay } from '../../../relay/in-process.ts';
import { openPgliteMemory } from '../../../store/pglite.ts';
import { answered, begin, now, subjectOf } from '../../store/fixtures.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it.each([true, false])(
  'the log of a run that was terminated is asked for again for a minute and five times, whenever that was; and comes then: %s',
  async (comes) => {
    await using database = await openPgliteMemory();
    const { store } = subjectOf(database);
    const task = (await store.getTask((await begin(store)).id))!;
    const log = answered(task, 'Forty-two.').slice(1);
    let answers = false;
    const runs = {
      describe: () => Promise.resolve({ status: 'closed', closedAs: 'TERMINATED', partial: null }),
      query: (_id: string, { after, maxBytes }: EventsRequest) =>
        answers
          ? Promise.resolve({
              firstSeq: 2,
              lastSeq: 4,
              events: maxBytes > 0 ? log.filter(({ seq }) => seq > after) : [],
            })
          : Promise.reject(new ServiceError('nobody answers')),
    } as unknown as RunClient;
    const deps = { store, runs, relay: createInProcessRelay(), metrics: createMetrics() };

    await expect(endFromOutside(deps, task)).rejects.toThrow('nobody answers');
    // A worker that is a function looks once a minute.
    vi.advanceTimersByTime(300_000);
    for (let tries = 2; tries < 5; tries += 1)
      await expect(endFromOutside(deps, task)).rejects.toThrow('nobody answers');
    expect(await store.getTask(task.id)).toMatchObject({ status: 'RUNNING' });
    answers = comes;
    await endFromOutside(deps, task);
    expect(await store.getTask(task.id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'terminated' },
      log_incomplete: !comes,
    });
  },
);

it('a recorded cancel is sent again to a run that is open: a reset has forgotten it', async () => {
  await using database = await openPgliteMemory();
  const { store } = subjectOf(database);
  const begun = await begin(store);
  await store.requestCancel(begun.id, begun.owner, { at: now(), by: null, reason: 'enough' });
  const asked: string[] = [];
  const runs = {
    describe: () => Promise.resolve({ status: 'open', paused: ['5'] }),
    unpause: async (id: string, activity: string) => void asked.push(`unpause ${id} ${activity}`),
    cancel: async (id: string) => void asked.push(`cancel ${id}`),
  } as unknown as RunClient;
  const deps = { store, runs, relay: createInProcessRelay(), metrics: createMetrics() };
  await endFromOutside(deps, (await store.getTask(begun.id))!);
  await endFromOutside(deps, (await store.getTask((await begin(store)).id))!);
  expect(asked).toEqual([`unpause ${begun.id} 5`, `cancel ${begun.id}`]);
});
