import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { newConversation, PATIENT, streamingRun } from './cancelled-run.ts';
import {
  call,
  childrenOf,
  createCast,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
  untilRunning,
} from './family.ts';
import { createStops } from './stops.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];

const cast = createCast(['chief', 'worker', 'other', 'third'], createStops().tools);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const send = (to: string, text: string, id = 'send_1') => call('send_message', { to, text }, id);
const lead = (...turns: Turn[]) => startLead(rig, turns, { conversation_id: newConversation() });

/** A step that the test holds up, and that then does nothing much. */
function heldStep(): { held: Gate; step: Turn } {
  const held = gate();
  return { held, step: [{ gate: held }, call('list_tasks', {}, 'held')] };
}

/** What an ended task was written, by whom, in order. */
async function lettersOf(id: string): Promise<[from: string | null, text: string][]> {
  const entries = await entriesOf(rig, id, 'task.message');
  return entries.map(({ data }) => [data.from, data.text]);
}

describe('a message from agent to agent', () => {
  it('N5 N7 reaches a child by name and by id, in order, empty ones too, and no sibling', async () => {
    const [worker, other, own] = [heldStep(), heldStep(), heldStep()];
    const keys = ['worker', 'other'].map((name, n) =>
      cast.direct(rig, name, [worker, other][n]!.step, ANSWERS),
    );
    const { id, key } = await lead([inBackground('worker'), inBackground('other')], own.step);
    const child = await untilRunning(rig, id, 'worker');
    const sibling = await untilRunning(rig, id, 'other');
    await Promise.all([worker.held.reached, other.held.reached]);
    rig.model.script(key, [
      [send('worker', 'first')],
      [send(child.id, '', 'send_2')],
      [send('worker', 'third', 'send_3')],
      [call('wait_for_tasks')],
      ANSWERS,
    ]);
    own.held.open();
    await rig.model.arrived(key, 6);
    worker.held.open();
    other.held.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await lettersOf(child.id)).toEqual(['first', '', 'third'].map((text) => [id, text]));
    expect(await lettersOf(sibling.id)).toEqual([]);
    const [own2 = [], others2 = []] = keys.map((one) => promptOf(rig, one, 2));
    expect(own2.slice(-3).map((text) => /first|third/.exec(text)?.[0] ?? '')).toEqual([
      'first',
      '',
      'third',
    ]);
    expect(promptOf(rig, keys[0]!, 1).join()).not.toContain('first');
    expect(others2.join()).not.toMatch(/first|third/);
    const results = await entriesOf(rig, id, 'turn.tool_result');
    expect(results.filter(({ data }) => data.call_id.startsWith('send'))).toMatchObject(
      (await entriesOf(rig, child.id, 'task.message')).map(({ seq }) => ({
        data: { output: { task_id: child.id, seq }, is_error: false },
      })),
    );
  });

  it('N7 reaches its parent and a sibling, each in its next step, under the name of who wrote', async () => {
    const [other, third, own] = [heldStep(), heldStep(), heldStep()];
    const [otherKey, thirdKey] = [
      cast.direct(rig, 'other', other.step, ANSWERS),
      cast.direct(rig, 'third', third.step, ANSWERS),
    ];
    cast.direct(
      rig,
      'worker',
      [{ gate: own.held }, send('parent', 'Done, boss.')],
      [send('other', 'Your turn.', 'send_2')],
      ANSWERS,
    );
    const names = ['worker', 'other', 'third'];
    const { id, key } = await lead(
      names.map((name) => inBackground(name)),
      [call('wait_for_tasks')],
      [call('wait_for_tasks', {}, 'wait_2')],
      ANSWERS,
    );
    const [child, sibling, another] = await Promise.all(
      names.map((name) => untilRunning(rig, id, name)),
    );
    await Promise.all([other.held.reached, third.held.reached]);
    own.held.open();
    await rig.untilStatus(child?.id ?? '', 'COMPLETED');
    other.held.open();
    third.held.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await lettersOf(id)).toEqual([['worker', 'Done, boss.']]);
    expect(await lettersOf(sibling?.id ?? '')).toEqual([['worker', 'Your turn.']]);
    expect(await lettersOf(another?.id ?? '')).toEqual([]);
    expect(promptOf(rig, key, 3).join()).toContain('Done, boss.');
    expect(promptOf(rig, otherKey, 2).at(-1)).toContain('Your turn.');
    expect(promptOf(rig, thirdKey, 2).join()).not.toMatch(/boss|turn/);
  });

  it('K1 is an error result where nobody reads it: ended, no agent, unknown, of another tree', async () => {
    const own = heldStep();
    cast.direct(rig, 'worker', ANSWERS);
    const stranger = await streamingRun(rig);
    const { id, key } = await startLead(
      rig,
      [
        [inBackground('worker'), call('run_in_background', { tool: 'wait', name: 'tool' })],
        own.step,
      ],
      { agent: 'chief', conversation_id: newConversation() },
    );
    await own.held.reached;
    const tool = await untilRunning(rig, id, 'tool');
    const ended = (await childrenOf(rig, id)).find(({ name }) => name === 'worker')?.id ?? '';
    await rig.untilStatus(ended, 'COMPLETED');
    const targets = [ended, 'worker', 'tool', tool.id, 'nobody', stranger.id, 'parent'];
    rig.model.script(key, [
      targets.map((to, n) => send(to, 'Hello?', `send_${n}`)),
      [call('cancel_task', { task: 'tool' })],
      ANSWERS,
    ]);
    own.held.open();
    await rig.untilStatus(id, 'COMPLETED');
    const absent = (task: string) =>
      `There is no task "${task}" among those below, beside or above you. Use a task_id, or the name of a task that runs.`;
    const results = await entriesOf(rig, id, 'turn.tool_result');
    expect(
      results
        .filter(({ data }) => data.call_id.startsWith('send'))
        .map(({ data }) => [data.output, data.is_error]),
    ).toEqual(
      [
        `${ended} has ended (COMPLETED): it reads no message.`,
        absent('worker'),
        `${tool.id} is no agent: it reads no message.`,
        `${tool.id} is no agent: it reads no message.`,
        absent('nobody'),
        absent(stranger.id),
        'You have no parent: nobody has started you but a caller.',
      ].map((text) => [text, true]),
    );
    await rig.cancel(stranger.id, PATIENT);
    expect(await lettersOf(stranger.id)).toEqual([]);
  });
});
