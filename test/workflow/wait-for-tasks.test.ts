import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import {
  call,
  childrenOf,
  createCast,
  endsOf,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
  untilRunning,
  untilWaiting,
} from './family.ts';
import { newConversation } from './cancelled-run.ts';
import { archiveOf } from './left-behind.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];

const cast = createCast(['worker', 'other']);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const wait = (args: object = {}) => call('wait_for_tasks', args);
const both: Turn = [inBackground('worker'), inBackground('other')];

/** A child that speaks once its gate is open. */
function holds(name: string): Gate {
  const held = gate();
  cast.direct(rig, name, [{ gate: held }, { say: `I am ${name}.` }]);
  return held;
}

/** Lets a child speak that has come to its gate: from then on the next one by its name has a script of its own. */
async function finish(held: Gate): Promise<void> {
  await held.reached;
  held.open();
}

/** Names of children are free for each lead in its own conversation. */
const lead = (...turns: Turn[]) => startLead(rig, turns, { conversation_id: newConversation() });

describe('a wait for tasks', () => {
  it('ends with the last of all that run, and says how each has ended', async () => {
    const worker = holds('worker');
    holds('other');
    const { id } = await lead(both, [wait()], ANSWERS);
    await untilWaiting(rig, id);
    const reader = await rig.read(id);
    worker.open();
    await reader.until(({ frame }) => frame.type === 'child.completed');
    await rig.cancel((await untilRunning(rig, id, 'other')).id);
    await rig.untilStatus(id, 'COMPLETED');
    const { ended, running } = await endsOf(rig, id);
    expect(ended.toSorted()).toEqual([
      ['other', 'cancelled'],
      ['worker', 'completed'],
    ]);
    expect(running).toEqual([]);
    const types = (await archiveOf(rig, id)).map(({ type }) => type);
    expect(types.lastIndexOf('turn.tool_result')).toBe(types.indexOf('child.cancelled') + 1);
  });

  it('ends with the first one where it is for any', async () => {
    const [worker, other] = [holds('worker'), holds('other')];
    const { id } = await lead(both, [wait({ until: 'any' })], ANSWERS);
    await untilWaiting(rig, id);
    other.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await endsOf(rig, id)).toEqual({ ended: [['other', 'completed']], running: ['worker'] });
    await finish(worker);
  });

  it('ends when its time is up, and tells what still runs', async () => {
    const worker = holds('worker');
    const { id } = await lead([inBackground('worker')], [wait({ timeout_seconds: 0.2 })], ANSWERS);
    await rig.untilStatus(id, 'COMPLETED');
    expect(await endsOf(rig, id)).toEqual({ ended: [], running: ['worker'] });
    await finish(worker);
  });

  it('ends at once where it is for a child that had ended before', async () => {
    cast.direct(rig, 'worker', ANSWERS);
    const held = gate();
    const { id, key } = await lead([inBackground('worker')], [{ gate: held }, call('list_tasks')]);
    const child = await eventually(async () => (await childrenOf(rig, id))[0], 'the child');
    await rig.untilStatus(child.id, 'COMPLETED');
    rig.model.script(key, [[wait({ tasks: [child.id] })], ANSWERS]);
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await endsOf(rig, id)).toEqual({ ended: [['worker', 'completed']], running: [] });
  });

  it.each(['while it stands', 'before it began'])('ends when somebody writes, %s', async (when) => {
    const [worker, held] = [holds('worker'), gate()];
    const { id, key } = await lead([inBackground('worker')], [{ gate: held }, wait()], ANSWERS);
    await held.reached;
    if (when === 'while it stands') {
      held.open();
      await untilWaiting(rig, id);
    }
    const text = 'Never mind.';
    await rig.request('POST', `/v1/tasks/${id}/messages`, { text });
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await endsOf(rig, id)).toEqual({ ended: [], running: ['worker'] });
    expect(promptOf(rig, key, 3).at(-1)).toBe(`user: ${text}`);
    await finish(worker);
  });

  it('is for those alone that it names, and refused for one that somebody else has started', async () => {
    const [other, held] = [holds('other'), gate()];
    cast.direct(rig, 'worker', [{ gate: held }, wait({ tasks: ['other'] })], ANSWERS);
    const { id } = await lead(both, [wait({ tasks: ['worker'] })], ANSWERS);
    await other.reached;
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await endsOf(rig, id)).toEqual({ ended: [['worker', 'completed']], running: [] });
    const children = await childrenOf(rig, id);
    const named = (name: string) => children.find((child) => child.name === name)?.id ?? '';
    const [result] = await entriesOf(rig, named('worker'), 'turn.tool_result');
    expect(result?.data).toMatchObject({
      is_error: true,
      output: `${named('other')} was not started by you: you are not told of its end.`,
    });
    await finish(other);
  });
});
