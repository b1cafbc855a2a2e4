import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool, type ToolContext } from '../../agents/tool.ts';
import { isTerminalEvent, type LogEvent } from '../../contract/events.ts';
import type { Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { PATIENT } from './cancelled-run.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'Counted.';
const ANSWERS: Turn = [{ say: ANSWER }];

/** Calls of the tools that wait for their test, by task. */
const waiting = new Map<string, { attempts: number; goOn: () => void }>();

/** Emits its numbers, waits for its test, and emits more. */
async function countInTwo(_: object, { taskId, emit }: ToolContext): Promise<string> {
  const attempts = (waiting.get(taskId)?.attempts ?? 0) + 1;
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.set(taskId, { attempts, goOn: resolve });
  for (let n = 1; n <= 5; n += 1) emit('tick', n);
  await promise;
  for (let n = 6; n <= 8; n += 1) emit('tick', n);
  return 'eight';
}

/** Says that half of it is done, and waits for its test or its end. */
async function countToHalf(_: object, { taskId, emit, signal }: ToolContext): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => reject(new Error('told to stop')));
  emit('progress', { done: 2, total: 4, note: 'half of it' });
  waiting.set(taskId, { attempts: 1, goOn: resolve });
  await promise;
  return 'half';
}

/** Emits until it is told to stop, and then its last words. */
function countUntilStopped(_: object, { emit, signal }: ToolContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    let n = 0;
    const timer = setInterval(() => emit('tick', (n += 1)), 5);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      emit('tick', (n += 1));
      queueMicrotask(() => {
        emit('stopped', n);
        reject(new Error('told to stop'));
      });
    });
  });
}

const about = { description: 'Counts.', parameters: z.object({}) };
const tools = [
  defineTool({
    ...about,
    name: 'count',
    run: async (_, { emit }) => {
      for (let n = 1; n <= 100; n += 1) emit('tick', n);
      return 'a hundred';
    },
  }),
  defineTool({ ...about, name: 'be_quiet', run: () => Promise.resolve('a hundred') }),
  defineTool({ ...about, name: 'count_in_two', idempotent: true, run: countInTwo }),
  defineTool({ ...about, name: 'count_to_half', run: countToHalf }),
  defineTool({ ...about, name: 'count_until_stopped', run: countUntilStopped }),
  defineTool({
    ...about,
    name: 'count_too_much',
    run: async (_, { emit }) => {
      emit('tick', 1);
      emit('tick', 'x'.repeat(100_000));
    },
  }),
];

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ tools });
});
afterAll(() => rig[Symbol.asyncDispose]());

const call = (name: string, id = 'c1') => ({ call: { id, name, arguments: {} } });

async function run(...turns: Turn[]): Promise<{ id: string; key: string }> {
  const { model, key } = rig.script(...turns);
  const { id } = await rig.start({ input: 'Count.', model });
  return { id, key };
}

const customs = (log: readonly LogEvent[]) =>
  log.flatMap((event) => (event.type === 'task.custom' ? [event.data] : []));
const numbers = (log: readonly LogEvent[]) => customs(log).map(({ payload }) => payload);
const upTo = (end: number) => Array.from({ length: end }, (_, index) => index + 1);

describe('what a tool emits', () => {
  it('I3 I11 is in the log of its task, all of a hundred in a loop, in order and ahead of its result', async () => {
    const { id } = await run([call('count')], ANSWERS);
    const reader = await rig.read(id);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const log = await archiveOf(rig, id);
    expect(customs(log)).toEqual(
      upTo(100).map((n) => ({ event_type: 'tick', payload: n, publisher: `${id}:1:c1` })),
    );
    const types = log.map(({ type }) => type);
    expect(types.indexOf('task.custom')).toBe(types.indexOf('turn.tool_call') + 1);
    expect(types.lastIndexOf('task.custom')).toBe(types.indexOf('turn.tool_result') - 1);
  });

  it('I3 costs the history of its run a few events, not one for each', async () => {
    const historyOf = async (name: string) => {
      const { id } = await run([call(name)], ANSWERS);
      await expectLeft(rig, id, { text: ANSWER, code: null });
      await eventually(async () => (await rig.workflowStatus(id)) === 'COMPLETED', 'its close');
      return (await rig.client.workflow.getHandle(id).describe()).historyLength;
    };
    expect((await historyOf('count')) - (await historyOf('be_quiet'))).toBeLessThanOrEqual(8);
  });

  it('I6 changes neither the result of the call nor what the model is told', async () => {
    const [loud, quiet] = [
      await run([call('count')], ANSWERS),
      await run([call('be_quiet')], ANSWERS),
    ];
    for (const { id } of [loud, quiet]) await expectLeft(rig, id, { text: ANSWER, code: null });
    const [told, untold] = [loud, quiet].map(({ key }) => {
      const [, second] = rig.model.requests(key);
      return JSON.stringify(second?.body.messages).replaceAll('be_quiet', 'count');
    });
    expect(told).toBe(untold);
  });

  it('is shown while the call goes on, and each event once where the call is made again elsewhere', async () => {
    const { id } = await run([call('count_in_two')], ANSWERS);
    const reader = await rig.read(id);
    const ticks = () => reader.frames.filter(({ frame }) => frame.type === 'task.custom').length;
    await reader.untilTrue(() => ticks() === 5);
    await rig.stopWorkers();
    await rig.startWorker();
    await eventually(() => waiting.get(id)?.attempts === 2, 'the second attempt');
    waiting.get(id)?.goOn();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(numbers(await archiveOf(rig, id))).toEqual(upTo(8));
  });

  it('of several calls at once keeps the order of each', async () => {
    const { id } = await run([call('count', 'a'), call('count', 'b')], ANSWERS);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const log = await archiveOf(rig, id);
    for (const callId of ['a', 'b']) {
      const mine = customs(log).filter(({ publisher }) => publisher === `${id}:1:${callId}`);
      expect(mine.map(({ payload }) => payload)).toEqual(upTo(100));
    }
  });

  it('is an error of the tool where it is too large, and what came before stays', async () => {
    const { id } = await run([call('count_too_much')], ANSWERS);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const log = await archiveOf(rig, id);
    expect(numbers(log)).toEqual([1]);
    expect(log.find(({ type }) => type === 'turn.tool_result')?.data).toMatchObject({
      is_error: true,
      output: expect.stringContaining('at most 65536 bytes'),
    });
  });
});

describe('the event progress', () => {
  it('moves the progress of its task, which a task keeps that is cancelled', async () => {
    const { id } = await run([call('count_to_half')]);
    await eventually(() => waiting.has(id), 'the call');
    await eventually(async () => (await rig.get(id)).progress === 0.5, 'half of it');
    await rig.cancel(id, PATIENT);
    expect(await rig.untilEnd(id)).toMatchObject({ status: 'FAILED', progress: 0.5 });
  });

  it('leaves 1 to a task that completes', async () => {
    const { id } = await run([call('count_to_half')], ANSWERS);
    await eventually(() => waiting.has(id), 'the call');
    waiting.get(id)?.goOn();
    expect(await rig.untilEnd(id)).toMatchObject({ status: 'COMPLETED', progress: 1 });
  });
});

describe('what a tool emits when it is cancelled', () => {
  it('I4 I5 arrives up to its last words, before the one end of the task', async () => {
    const runs = await Promise.all(
      upTo(3).map(async () => {
        const { id } = await run([call('count_until_stopped')]);
        return { id, reader: await rig.read(id) };
      }),
    );
    await Promise.all(
      runs.map(({ reader }) => reader.until(({ frame }) => frame.type === 'task.custom')),
    );
    const receipts = await Promise.all(runs.map(({ id }) => rig.cancel(id, PATIENT)));
    expect(receipts.map(({ outcome }) => outcome)).toEqual(runs.map(() => 'cancelled'));
    for (const { id, reader } of runs) {
      await expectLeft(rig, id, { text: null, code: 'cancelled', reader });
      const log = await archiveOf(rig, id);
      const last = customs(log).at(-1);
      expect(last?.event_type).toBe('stopped');
      expect(numbers(log).slice(0, -1)).toEqual(upTo(Number(last?.payload)));
      expect(log.filter(isTerminalEvent)).toHaveLength(1);
    }
  });
});
