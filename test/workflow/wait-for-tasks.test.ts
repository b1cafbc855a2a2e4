import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../store/store.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import {
  call,
  childrenOf,
  createCast,
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

/** Where the next end of a task waits, by its name: it stands in the record, and its parent is not told of it yet. */
const stored = new Map<string, Gate>();
const wrapStore = (store: Store): Store => ({
  ...store,
  async finishTask(request) {
    const result = await store.finishTask(request);
    const name = result.task.name ?? '';
    const held = stored.get(name);
    stored.delete(name);
    await held?.pass();
    return result;
  },
  // Nor by the reconciler.
  dueParentNews: () => Promise.resolve([]),
});

const cast = createCast(['worker', 'other']);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents, wrapStore });
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

/** Names of children are free for each lead in its own conversation. */
const lead = (...turns: Turn[]) => startLead(rig, turns, { conversation_id: newConversation() });

/** Of the last call that waited: its output, with names instead of ids. */
async function outputOf(id: string) {
  const results = await entriesOf(rig, id, 'turn.tool_result');
  const names = new Map((await childrenOf(rig, id)).map((child) => [child.id, child.name]));
  const { output, is_error } = results.at(-1)!.data;
  expect(is_error, String(output)).toBe(false);
  const { ended, running } = output as {
    ended: { task_id: string; status: string }[];
    running: string[];
  };
  return {
    ended: ended.map(({ task_id, status }) => [names.get(task_id), status]),
    running: running.map((task) => names.get(task)),
  };
}

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
    const { ended, running } = await outputOf(id);
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
    expect(await outputOf(id)).toEqual({ ended: [['other', 'completed']], running: ['worker'] });
    worker.open();
  });

  it('is for those alone that it names', async () => {
    const [worker, other] = [holds('worker'), holds('other')];
    const { id } = await lead(both, [wait({ tasks: ['worker'] })], ANSWERS);
    await untilWaiting(rig, id);
    worker.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await outputOf(id)).toEqual({ ended: [['worker', 'completed']], running: [] });
    other.open();
  });

  it('ends when its time is up, and tells what still runs', async () => {
    const worker = holds('worker');
    const { id } = await lead([inBackground('worker')], [wait({ timeout_seconds: 0.2 })], ANSWERS);
    await rig.untilStatus(id, 'COMPLETED');
    expect(await outputOf(id)).toEqual({ ended: [], running: ['worker'] });
    worker.open();
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
    expect(await outputOf(id)).toEqual({ ended: [['worker', 'completed']], running: [] });
  });

  it('lasts until it is told of an end that stands in the record already', async () => {
    const [telling, held] = [gate(), gate()];
    cast.direct(rig, 'worker', ANSWERS);
    stored.set('worker', telling);
    const { id, key } = await lead([inBackground('worker')], [{ gate: held }, wait()], ANSWERS);
    await within(telling.reached, () => 'the end to be stored');
    held.open();
    await untilWaiting(rig, id);
    telling.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await outputOf(id)).toEqual({ ended: [['worker', 'completed']], running: [] });
    expect(promptOf(rig, key, 3).at(-1)).toContain('has completed');
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
    expect(await outputOf(id)).toEqual({ ended: [], running: ['worker'] });
    expect(promptOf(rig, key, 3).at(-1)).toBe(`user: ${text}`);
    worker.open();
  });

  it('is refused for a task that was started by somebody else', async () => {
    const [other, held] = [holds('other'), gate()];
    cast.direct(rig, 'worker', [{ gate: held }, wait({ tasks: ['other'] })], ANSWERS);
    const { id } = await lead(both, [wait({ tasks: ['worker'] })], ANSWERS);
    await other.reached;
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    const children = await childrenOf(rig, id);
    const named = (name: string) => children.find((child) => child.name === name)?.id ?? '';
    const [result] = await entriesOf(rig, named('worker'), 'turn.tool_result');
    expect(result?.data).toMatchObject({
      is_error: true,
      output: `${named('other')} was not started by you: you are not told of its end.`,
    });
    other.open();
  });
});
