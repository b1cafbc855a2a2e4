import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { newConversation } from './cancelled-run.ts';
import { call, childrenOf, createCast, entriesOf, promptOf, startLead } from './family.ts';
import { untilSettled } from './family-ends.ts';
import { archiveOf } from './left-behind.ts';

const ANSWERS: Turn = [{ say: 'Forty-two.' }];
const progress: Turn = [call('report_progress', { done: 1, total: 2, note: 'Half of it.' })];

let held = gate();
const delegate = defineTool({
  name: 'delegate',
  description: 'Starts a worker, and returns when it is let.',
  parameters: z.object({ waits: z.boolean() }),
  idempotent: true,
  run: async ({ waits }, { tasks }) => {
    const task = await tasks.spawn({ agent: 'worker', input: 'Six times seven?' });
    await held.pass();
    return waits ? tasks.resultOf(task) : task;
  },
});

const cast = createCast(['chief', 'worker'], [delegate]);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

it.each([true, false])(
  'I2 tells of a child from its start on, though it has ended before its call returns, as its result: %s',
  async (waits) => {
    held = gate();
    cast.direct(rig, 'worker', progress, ANSWERS);
    const { id, key } = await startLead(rig, [[call('delegate', { waits })], ANSWERS], {
      agent: 'chief',
    });
    await within(held.reached, () => 'the child to be in the record');
    const [child] = await childrenOf(rig, id);
    // The reconciler has started it.
    await untilSettled(rig, child!.id);
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    const told = (await archiveOf(rig, id)).filter(({ type }) => type.startsWith('child.'));
    expect(told.map(({ type }) => type)).toEqual([
      'child.started',
      'child.custom',
      'child.completed',
    ]);
    const answers = promptOf(rig, key, 2).filter((text) => text.includes('Forty-two.'));
    expect(answers).toHaveLength(1);
  },
);

it('I1 I2 tells a parent that had not begun of all that a child has emitted, ahead of its end', async () => {
  const [busy, leading] = [gate(), gate()];
  const conversation_id = newConversation();
  const ahead = rig.script([{ gate: busy }, ...ANSWERS]);
  await rig.start({ input: 'First.', model: ahead.model, conversation_id });
  const { id } = await startLead(rig, [[{ gate: leading }, ...ANSWERS]], { conversation_id });
  const told = (n: number) => [call('report_progress', { note: `Part ${n}.` }, `part_${n}`)];
  const child = await rig.start({
    input: 'And you?',
    agent: 'worker',
    model: rig.script(told(1), told(2), ANSWERS).model,
    parent: { task_id: id },
  });
  await rig.untilEnd(child.id);
  expect((await rig.get(id)).status).toBe('PENDING');
  const reader = await rig.read(id);
  busy.open();
  await reader.until(({ frame }) => frame.type === 'child.completed');
  leading.open();
  await rig.untilStatus(id, 'COMPLETED');
  const news = await entriesOf(rig, id, 'child.custom', 'child.completed');
  expect(news.map(({ type }) => type)).toEqual(['child.custom', 'child.custom', 'child.completed']);
  expect(news.slice(0, 2)).toMatchObject([
    { data: { payload: { note: 'Part 1.' } } },
    { data: { payload: { note: 'Part 2.' } } },
  ]);
});
