import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { newConversation } from './cancelled-run.ts';
import { count } from './counting.ts';
import {
  call,
  childrenOf,
  createCast,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
} from './family.ts';
import { expectLeft } from './left-behind.ts';

const ANSWER = 'So be it.';
const ANSWERS: Turn = [{ say: ANSWER }];

/** Takes its time, so that its runs and its parent's do more than one thing meanwhile. */
const countOn = defineTool({
  name: 'count_on',
  description: 'Counts slowly, and tells each number.',
  parameters: z.object({ to: z.number() }),
  run: async ({ to }, { emit }) => {
    for (let n = 1; n <= to; n += 1) {
      emit('tick', n);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return to;
  },
});

const cast = createCast(['chief', 'worker'], [count, countOn]);
let rig: Rig;
beforeAll(async () => {
  // Less than a step with a tool has: a run continues as new behind each of them.
  rig = await openRig({ agents: cast.agents, defaults: { maxHistoryEvents: 8 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

const counting = (from: number, to: number): Turn => [call('count', { from, to })];

async function chief(...turns: Turn[]) {
  const conversation_id = newConversation();
  const body = { agent: 'chief', conversation_id, max_steps: 20 };
  return { ...(await startLead(rig, turns, body)), conversation_id };
}

/** What the log of an ended run tells of its children: numbers that they have emitted, and their ends. */
async function toldOf(id: string): Promise<unknown[]> {
  const news = await entriesOf(rig, id, 'child.custom', 'child.completed');
  return news.map((event) => (event.type === 'child.custom' ? event.data.payload : event.type));
}

/** At least: what arrives fills the history of a run too. */
async function expectContinued(id: string, times: number): Promise<void> {
  const entries = await entriesOf(rig, id, 'task.continued');
  expect(entries.length).toBeGreaterThanOrEqual(times);
}

describe('a family whose runs continue as new', () => {
  it('I1 I2 is whole where a child does so before its parent has begun, and tells more when it has', async () => {
    const [busy, held, leading] = [gate(), gate(), gate()];
    const conversation_id = newConversation();
    const ahead = rig.script([{ gate: busy }, ...ANSWERS]);
    await rig.start({ input: 'First.', model: ahead.model, conversation_id });
    const { id } = await startLead(rig, [[{ gate: leading }, ...ANSWERS]], { conversation_id });
    const turns = [counting(1, 3), counting(4, 5), [{ gate: held }, ...counting(6, 7)], ANSWERS];
    const { model } = rig.script(...turns);
    const parent = { task_id: id };
    const child = await rig.start({ input: 'Count.', agent: 'worker', model, parent });
    await within(held.reached, () => 'the child to have counted');
    await expectContinued(child.id, 2);
    expect((await rig.get(id)).status).toBe('PENDING');
    const reader = await rig.read(id);
    busy.open();
    await reader.until(({ frame }) => frame.type === 'turn.started');
    held.open();
    await reader.until(({ frame }) => frame.type === 'child.completed');
    leading.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await toldOf(id)).toEqual([1, 2, 3, 4, 5, 6, 7, 'child.completed']);
  });

  it('I1 is whole where the parent does so: a child that runs goes on, and is heard and waited for', async () => {
    const held = gate();
    cast.direct(rig, 'worker', [{ gate: held }, ...counting(1, 3)], ANSWERS);
    const { id } = await chief(
      [inBackground('worker')],
      [call('list_tasks')],
      [call('wait_for_tasks')],
      ANSWERS,
    );
    const reader = await rig.read(id);
    const isThird = ({ frame }: { frame: { type: string } }) =>
      frame.type === 'turn.started' &&
      (frame as unknown as { data: { step: number } }).data.step === 3;
    await reader.until(isThird);
    held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(await toldOf(id)).toEqual([1, 2, 3, 'child.completed']);
    await expectContinued(id, 3);
    const [child] = await childrenOf(rig, id);
    const results = await entriesOf(rig, id, 'turn.tool_result');
    expect(results.at(-1)?.data.output).toEqual({
      ended: [{ task_id: child?.id, status: 'completed' }],
      running: [],
    });
  });

  it('I1 I7 is whole where several children emit all the while: each event is told once, in order', async () => {
    const names = ['a', 'b', 'c'];
    const background = (name: string) =>
      call('run_in_background', { tool: 'count_on', arguments: { to: 200 }, name }, name);
    const steps: Turn[] = Array.from({ length: 12 }, () => [call('list_tasks')]);
    const { id } = await chief(
      names.map((name) => background(name)),
      ...steps,
      [call('wait_for_tasks')],
      ANSWERS,
    );
    await expectLeft(rig, id, { text: ANSWER, code: null });
    await expectContinued(id, 14);
    const news = await entriesOf(rig, id, 'child.custom', 'child.completed');
    for (const name of names) {
      const told = news.filter(({ data }) => data.name === name);
      expect(told.at(-1)).toMatchObject({ type: 'child.completed' });
      expect(
        told.map((event) => (event.type === 'child.custom' ? event.data.payload : 'end')),
      ).toEqual([...Array.from({ length: 200 }, (_, n) => n + 1), 'end']);
    }
  });

  it('I1 is whole where a child does so: its parent hears all that it emits, in order, and once', async () => {
    cast.direct(rig, 'worker', counting(1, 3), counting(4, 6), counting(7, 9), ANSWERS);
    const { id } = await chief([inBackground('worker')], [call('wait_for_tasks')], ANSWERS);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(await toldOf(id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 'child.completed']);
    const [child] = await childrenOf(rig, id);
    await expectContinued(child?.id ?? '', 3);
  });

  it('I2 knows of an end that came before, and reads it in the step after, which delivers it', async () => {
    const [held, ends] = [gate(), gate()];
    cast.direct(rig, 'worker', [{ gate: ends }, ...ANSWERS]);
    const { id, key, conversation_id } = await chief(
      [inBackground('worker')],
      [{ gate: held }, call('list_tasks')],
    );
    const reader = await rig.read(id);
    await held.reached;
    ends.open();
    await reader.until(({ frame }) => frame.type === 'child.completed');
    const [child] = await childrenOf(rig, id);
    rig.model.script(key, [[call('wait_for_tasks', { tasks: [child?.id] })], ANSWERS]);
    held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    await expectContinued(id, 3);
    expect(promptOf(rig, key, 3).at(-1)).toContain(
      `The task ${child?.id} ("worker") has completed.`,
    );
    const path = `/v1/conversations/${conversation_id}/results/claim`;
    expect((await rig.request('POST', path, { claim_id: 'c1' })).body).toMatchObject({ data: [] });
  });
});
