import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool, type ToolContext } from '../../agents/tool.ts';
import type { LogEvent } from '../../contract/events.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { newConversation, PATIENT } from './cancelled-run.ts';
import { call, childrenOf, createCast, inBackground, promptOf, startLead } from './family.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];
const REASON = 'enough';
const about = { description: 'Counts.', parameters: z.object({}) };

/** Emits until it is told to stop, and then its last words. */
function countUntilStopped(_: object, { emit, signal }: ToolContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    let n = 0;
    const timer = setInterval(() => emit('tick', (n += 1)), 5);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      emit('stopped', n);
      reject(new Error('told to stop'));
    });
  });
}

const tools = [
  defineTool({ ...about, name: 'count_on', run: countUntilStopped }),
  defineTool({
    ...about,
    name: 'count',
    run: async (_, { emit }) => {
      for (let n = 1; n <= 3; n += 1) emit('tick', n);
      return 'three';
    },
  }),
  defineTool({
    ...about,
    name: 'stumble',
    run: async (_, { emit }) => {
      for (let n = 1; n <= 3; n += 1) emit('tick', n);
      throw new Error('lost count');
    },
  }),
];

const cast = createCast(['chief', 'worker'], tools);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const inTool = (tool: string, id = tool) => call('run_in_background', { tool, name: id }, id);

/** A run of `chief` whose first step starts children; the next ones wait for their ends, and answer. */
const chief = (start: Turn, body = {}) =>
  startLead(rig, [start, [call('wait_for_tasks')], ANSWERS], { agent: 'chief', ...body });

/** What a log holds of a child, and what of a task itself corresponds to that. */
const newsOf = (log: readonly LogEvent[], id: string | undefined) =>
  log.filter(
    ({ type, data }) => type.startsWith('child.') && (data as { task_id: string }).task_id === id,
  );
const emittedIn = (log: readonly LogEvent[]) =>
  log.flatMap((event) =>
    event.type === 'task.custom' || event.type === 'child.custom'
      ? [[event.data.event_type, event.data.payload]]
      : [],
  );

const TICKS = [1, 2, 3].map((n) => ['tick', n]);
const counts = [call('count')];

describe('the end of a child', () => {
  const completed = { type: 'child.completed', data: { output: { text: 'So be it.' } } };
  const failure = { code: 'model_error', message: expect.stringContaining('no moon') };
  const failed = { type: 'child.failed', data: { failure, partial_output: null } };
  it.each<[string, Turn, object, string]>([
    ['as completed', ANSWERS, completed, 'has completed. Its result:\nSo be it.'],
    [
      'as failed',
      [{ status: 400, body: { error: { message: 'no moon' } } }],
      failed,
      'has failed: ',
    ],
  ])('I2 reaches its parent after all of its events: %s', async (_, last, end, text) => {
    cast.direct(rig, 'worker', counts, last);
    const { id, key } = await chief([inBackground('worker')]);
    await rig.untilStatus(id, 'COMPLETED');
    const [child] = await childrenOf(rig, id);
    const news = newsOf(await archiveOf(rig, id), child?.id);
    expect(emittedIn(news)).toEqual(TICKS);
    expect(news).toHaveLength(5);
    expect(news.at(-1)).toMatchObject({
      ...end,
      data: { ...(end as LogEvent).data, task_id: child?.id },
    });
    expect(promptOf(rig, key, 3)).toContainEqual(
      expect.stringContaining(`task ${child?.id} ("worker") ${text}`),
    );
  });

  it('I2 reaches its parent after all of its events: as cancelled, with what it had said', async () => {
    const held = gate();
    cast.direct(rig, 'worker', counts, [{ say: 'I would' }, { gate: held }]);
    const { id, key } = await chief([inBackground('worker')]);
    await held.reached;
    const [child] = await childrenOf(rig, id);
    await rig.cancel(child?.id ?? '', { reason: REASON, ...PATIENT });
    await rig.untilStatus(id, 'COMPLETED');
    const news = newsOf(await archiveOf(rig, id), child?.id);
    expect(emittedIn(news)).toEqual(TICKS);
    expect(news).toHaveLength(5);
    expect(news.at(-1)).toMatchObject({
      type: 'child.cancelled',
      data: {
        failure: { code: 'cancelled', message: expect.stringContaining(REASON) },
        partial_output: 'I would',
      },
    });
    expect(promptOf(rig, key, 3).at(-1)).toBe(
      `user: The task ${child?.id} ("worker") was cancelled: The task was cancelled: ${REASON}\nWhat it had said so far:\nI would`,
    );
  });

  it.each([
    ['count', { type: 'child.completed', data: { output: { value: 'three' } } }],
    [
      'stumble',
      {
        type: 'child.failed',
        data: { failure: { code: 'tool_error', message: 'lost count' }, partial_output: null },
      },
    ],
  ])('I2 is that of the call where a tool works in the background: %s', async (tool, end) => {
    const { id } = await chief([inTool(tool)]);
    await rig.untilStatus(id, 'COMPLETED');
    const [child] = await childrenOf(rig, id);
    const news = newsOf(await archiveOf(rig, id), child?.id);
    expect(emittedIn(news)).toEqual(TICKS);
    expect(news.at(-1)).toMatchObject(end);
  });
});

describe('children that are cancelled while they emit', () => {
  const names = ['a', 'b', 'c'];
  const start: Turn = names.map((name) => inTool('count_on', name));

  /** The children of such a chief by name, once each has emitted. */
  async function counting(body = {}) {
    const { id } = await chief(start, body);
    const reader = await rig.read(id);
    const hasTold = (name: string) =>
      reader.frames.some(({ frame }) => frame.type === 'child.custom' && frame.data.name === name);
    await reader.untilTrue(() => names.every(hasTold));
    const children = await childrenOf(rig, id);
    expect(children.map(({ name }) => name).toSorted()).toEqual(names);
    return { id, children };
  }

  /** All that the child has counted, its last words and one end. */
  async function expectStopped(id: string): Promise<void> {
    await expectLeft(rig, id, { text: null, code: 'cancelled' });
    const log = await archiveOf(rig, id);
    const said = emittedIn(log);
    const [, last] = said.at(-1) ?? [];
    const ticks = Array.from({ length: Number(last) }, (_, n) => ['tick', n + 1]);
    expect(said).toEqual([...ticks, ['stopped', last]]);
  }

  it('I5 tell their parent everything up to the stop, one after the other, and then their end', async () => {
    const { id, children } = await counting();
    for (const child of children) {
      await rig.cancel(child.id, PATIENT);
      await expectStopped(child.id);
    }
    await rig.untilStatus(id, 'COMPLETED');
    const told = await archiveOf(rig, id);
    for (const child of children) {
      const news = newsOf(told, child.id);
      expect(emittedIn(news)).toEqual(emittedIn(await archiveOf(rig, child.id)));
      expect(news.at(-1)).toMatchObject({ type: 'child.cancelled' });
    }
  });

  it('I5 have each its events and one end where all of a conversation is cancelled', async () => {
    const conversation_id = newConversation();
    const { id, children } = await counting({ conversation_id });
    const path = `/v1/conversations/${conversation_id}/cancel`;
    const { body } = await rig.request<{ cancelled: number }>('POST', path, PATIENT);
    expect(body.cancelled).toBe(4);
    for (const child of children) await expectStopped(child.id);
    await expectLeft(rig, id, { text: null, code: 'cancelled' });
  });
});
