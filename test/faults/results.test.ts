import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../contract/wire.ts';
import { eventually, within } from '../support/within.ts';
import { keepReading, type KeptReader } from './kept-reader.ts';
import { pausedAnswer, type PausedAnswer } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 4;

/** A run beside a conversation. `key`: of its script at the model server. */
interface DetachedRun extends PausedAnswer {
  key: string;
  taskId: string;
  reader: KeptReader;
}

describe('kill -9 of the worker of detached tasks', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  async function start(conversation_id: string): Promise<DetachedRun[]> {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed, { withTool: true }));
    return Promise.all(
      scripts.map(async (script) => {
        const key = randomBytes(8).toString('hex');
        service.model.script(key, script.turns);
        const { id } = await service.client.start({
          ...{ input: 'Go.', model: `openai-compatible/${key}`, conversation_id, detached: true },
        });
        return { ...script, key, taskId: id, reader: keepReading(service.client, id) };
      }),
    );
  }

  async function claim(conversation: string): Promise<Task[]> {
    const claim_id = randomBytes(8).toString('hex');
    return (await service.client.claimResults(conversation, { claim_id })).data;
  }

  const all = (runs: readonly DetachedRun[], point: (run: DetachedRun) => Promise<unknown>) =>
    Promise.all(runs.map((run) => within(point(run), () => run.taskId)));
  const inMidStream = (run: DetachedRun) => run.pause.reached;

  it.each<[string, (runs: DetachedRun[]) => Promise<unknown>]>([
    ['as they begin', (runs) => all(runs, ({ key }) => service.model.arrived(key, 1))],
    ['between steps', (runs) => all(runs, ({ key }) => service.model.closed(key, 1))],
    ['in mid-stream', (runs) => all(runs, inMidStream)],
    ['as they end', (runs) => endOf(runs, runs.length)],
    ['when one has ended', (runs) => endOf(runs, 1).then(() => untilOneEnded(runs))],
  ])('B5 %s: each result is there to be claimed, once', async (_when, reach) => {
    const conversation = `conv_${randomBytes(8).toString('hex')}`;
    const runs = await start(conversation);
    await reach(runs);
    await service.worker.stop('SIGKILL');
    await service.worker.start();
    const early = await claim(conversation);
    console.log(`${RUNS - early.length} of ${RUNS} runs had not ended`);
    for (const { pause } of runs) pause.open();
    await Promise.all(runs.map(({ reader }) => reader.ended));

    const results = [...early, ...(await claim(conversation))];
    for (const { taskId, answer } of runs) {
      const own = results.filter(({ id }) => id === taskId);
      expect(own).toMatchObject([{ status: 'COMPLETED', output: { text: answer } }]);
    }
    expect(await claim(conversation)).toEqual([]);
    const active = { conversation_id: conversation, status: ['PENDING', 'RUNNING'] as const };
    expect((await service.client.list(active)).data).toEqual([]);
    expect(await service.client.forgetEndedTasks(conversation)).toEqual({ removed: RUNS });
  });

  /** Lets so many of them say the rest of their answers. */
  async function endOf(runs: readonly DetachedRun[], count: number): Promise<void> {
    await all(runs, inMidStream);
    const ending = runs.slice(0, count);
    for (const { pause } of ending) pause.open();
    await all(ending, ({ key }) => service.model.closed(key, service.model.calls(key)));
  }

  const untilOneEnded = ([first]: readonly DetachedRun[]) =>
    eventually(async () => (await service.client.get(first!.taskId)).finished_at, 'an end');
});
