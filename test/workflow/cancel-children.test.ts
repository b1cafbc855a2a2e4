import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import {
  expectCancelled,
  halfAnswer,
  newConversation,
  PARTIAL,
  streamingRun,
} from './cancelled-run.ts';
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

const ANSWERS: Turn = [{ say: 'So be it.' }];
const REASON = 'not needed any more';

const cast = createCast(['worker', 'other', 'grandchild']);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const cancel = (task: string, id = 'cancel_1') => call('cancel_task', { task, reason: REASON }, id);

/** Results of an ended task's calls of the tool, in order. */
async function outputsOf(id: string): Promise<[output: unknown, is_error: boolean][]> {
  const log = await entriesOf(rig, id, 'turn.tool_call', 'turn.tool_result');
  const calls = log.flatMap(({ type, data }) =>
    type === 'turn.tool_call' && data.name === 'cancel_task' ? [data.call_id] : [],
  );
  return log.flatMap(({ type, data }) =>
    type === 'turn.tool_result' && calls.includes(data.call_id)
      ? [[data.output, data.is_error] as [unknown, boolean]]
      : [],
  );
}

describe('an agent that cancels a task', () => {
  it('C15 stops its child by name, with all below it, and is told of its end', async () => {
    const [held, speaking] = [gate(), gate()];
    const grandKey = cast.direct(rig, 'grandchild', halfAnswer(speaking));
    cast.direct(rig, 'worker', [inBackground('grandchild')], halfAnswer());
    const { id, key } = await startLead(
      rig,
      [
        [inBackground('worker')],
        [{ gate: held }, cancel('worker')],
        [call('wait_for_tasks')],
        [cancel('worker', 'cancel_2')],
        ANSWERS,
      ],
      { conversation_id: newConversation() },
    );
    const child = await untilRunning(rig, id, 'worker');
    const grandchild = await untilRunning(rig, child.id, 'grandchild');
    await speaking.reached;
    held.open();
    await expectCancelled(rig, grandchild.id, { partial: PARTIAL, reason: REASON });
    expect(await rig.model.closed(grandKey, 1)).toBe('client');
    const ended = await rig.untilEnd(child.id);
    expect(ended.failure).toMatchObject({ code: 'cancelled' });
    await rig.untilStatus(id, 'COMPLETED');
    const again = `There is no task "worker" among those below, beside or above you.`;
    expect(await outputsOf(id)).toEqual([
      [{ task_id: child.id, outcome: 'cancelling' }, false],
      [expect.stringContaining(again), true],
    ]);
    expect(promptOf(rig, key, 4).join('\n')).toContain(
      `user: The task ${child.id} ("worker") was cancelled: The task was cancelled: ${REASON}`,
    );
  });

  it('C15 stops what it has started through others, by id, and nothing above that', async () => {
    const [held, below] = [gate(), gate()];
    cast.direct(rig, 'grandchild', halfAnswer());
    cast.direct(
      rig,
      'worker',
      [inBackground('grandchild')],
      [call('wait_for_tasks')],
      [{ gate: below }, ...ANSWERS],
    );
    const { id, key } = await startLead(
      rig,
      [[inBackground('worker')], [{ gate: held }, call('list_tasks')]],
      { conversation_id: newConversation() },
    );
    const child = await untilRunning(rig, id, 'worker');
    const grandchild = await untilRunning(rig, child.id, 'grandchild');
    rig.model.script(key, [
      [cancel(grandchild.id)],
      [call('wait_for_tasks')],
      [cancel(grandchild.id, 'cancel_2')],
      ANSWERS,
    ]);
    held.open();
    expect((await rig.untilEnd(grandchild.id)).failure?.code).toBe('cancelled');
    await below.reached;
    expect((await rig.get(child.id)).status).toBe('RUNNING');
    below.open();
    await rig.untilStatus(child.id, 'COMPLETED');
    await rig.untilStatus(id, 'COMPLETED');
    expect(await outputsOf(id)).toEqual([
      [{ task_id: grandchild.id, outcome: 'cancelling' }, false],
      [{ task_id: grandchild.id, outcome: 'already_terminal' }, false],
    ]);
    const told = await entriesOf(rig, child.id, 'child.cancelled');
    expect(told.map(({ data }) => data.task_id)).toEqual([grandchild.id]);
  });

  it('C15 is refused a sibling, its parent, itself and a stranger: they go on', async () => {
    const [held, beside] = [gate(), gate()];
    const stranger = await streamingRun(rig);
    cast.direct(rig, 'other', [{ gate: beside }, ...ANSWERS]);
    const workerKey = cast.direct(rig, 'worker', [{ gate: held }, call('list_tasks')]);
    const { id } = await startLead(
      rig,
      [[inBackground('worker'), inBackground('other')], [call('wait_for_tasks')], ANSWERS],
      { conversation_id: newConversation() },
    );
    const worker = await untilRunning(rig, id, 'worker');
    const other = await untilRunning(rig, id, 'other');
    const targets = ['other', other.id, 'parent', id, worker.id, stranger.id, 'nobody'];
    rig.model.script(workerKey, [
      targets.map((target, n) => cancel(target, `cancel_${n}`)),
      ANSWERS,
    ]);
    held.open();
    await rig.untilStatus(worker.id, 'COMPLETED');
    const notBelow = (task: string) =>
      `${task} is not below you: you can only cancel what you started.`;
    const absent = (task: string) =>
      expect.stringContaining(`There is no task "${task}" among those below, beside or above you.`);
    expect(await outputsOf(worker.id)).toEqual(
      [
        ...[other.id, other.id, id, id].map(notBelow),
        ...[worker.id, stranger.id, 'nobody'].map(absent),
      ].map((text) => [text, true]),
    );
    for (const task of [other.id, id, stranger.id])
      expect((await rig.get(task)).status).toBe('RUNNING');
    beside.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect((await childrenOf(rig, id)).map(({ status }) => status)).toEqual([
      'COMPLETED',
      'COMPLETED',
    ]);
    await rig.cancel(stranger.id);
  });
});
