import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_OWNER } from '../../contract/names.ts';
import type { Receipt, Task } from '../../contract/wire.ts';
import { gate } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import {
  acceptOnly,
  expectCancelled,
  halfAnswer,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
  type StreamingRun,
} from './cancelled-run.ts';
import { createStops } from './stops.ts';

const ANSWER = PARTIAL + REST;
const REASON = 'enough of all of you';

/** Who was cancelled, and how that is known. */
const summary = ({ task_id, outcome, partial_output }: Receipt) => ({
  task_id,
  outcome,
  partial_output,
});

describe.each(RELAY_MOODS)('cancel of a tree, relay %s', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const below = (above: { id: string }) => streamingRun(rig, [halfAnswer()], above);
  const expectStopped = async (run: StreamingRun, reason: string | null) => {
    const { id, key, conversation, reader } = run;
    await expectCancelled(rig, id, { partial: PARTIAL, reason, conversation, reader });
    expect(await rig.model.closed(key, 1)).toBe('client');
    expect(rig.model.calls(key)).toBe(1);
  };

  it('C12 stops a task and all that runs below it, with a receipt for each', async () => {
    const root = await streamingRun(rig);
    const [child, beside] = await Promise.all([below(root), streamingRun(rig)]);
    const grandchild = await below(child);
    const ended = await rig.start({
      input: 'Why?',
      model: rig.script([{ say: ANSWER }]).model,
      parent: { task_id: root.id },
    });
    const before = await rig.untilStatus(ended.id, 'COMPLETED');

    const receipt = await rig.cancel(root.id, { reason: REASON, ...PATIENT });
    const stopped = { outcome: 'cancelled', partial_output: PARTIAL };
    expect(receipt).toMatchObject({ task_id: root.id, status: 'FAILED', ...stopped });
    expect(receipt.children.map(summary)).toEqual([
      { task_id: child.id, ...stopped },
      { task_id: grandchild.id, ...stopped },
    ]);
    for (const run of [root, child, grandchild]) await expectStopped(run, REASON);
    expect(await rig.get(ended.id)).toEqual(before);
    expect((await rig.get(beside.id)).status).toBe('RUNNING');
    expect((await rig.cancel(root.id, PATIENT)).outcome).toBe('already_terminal');
    await rig.cancel(beside.id, PATIENT);
  });

  it('C12 stops what runs below a task that has ended, and then says that nothing runs', async () => {
    const begin = gate();
    const root = await streamingRun(rig, [halfAnswer(begin)]);
    const child = await below(root);
    begin.open();
    const before = await rig.untilStatus(root.id, 'COMPLETED');
    const receipt = await rig.cancel(root.id, { reason: REASON, ...PATIENT });
    expect(receipt).toMatchObject({ outcome: 'cancelled', status: 'COMPLETED' });
    expect(receipt.children.map(summary)).toEqual([
      { task_id: child.id, outcome: 'cancelled', partial_output: PARTIAL },
    ]);
    await expectStopped(child, REASON);
    const again = await rig.cancel(root.id, PATIENT);
    expect(again).toMatchObject({ outcome: 'already_terminal', children: [] });
    expect(await rig.get(root.id)).toEqual(before);
  });

  it('C12 leaves what is below a task alone with scope task', async () => {
    const begin = gate();
    const root = await streamingRun(rig);
    const child = await streamingRun(rig, [halfAnswer(begin)], root);
    const receipt = await rig.cancel(root.id, { scope: 'task', ...PATIENT });
    expect(receipt).toMatchObject({ outcome: 'cancelled', children: [] });
    await expectStopped(root, null);
    // Another API than the reader's hears of the text with the next heartbeat.
    await eventually(async () => {
      const { status, live } = await rig.get(child.id);
      return status === 'RUNNING' && live?.text === PARTIAL;
    }, 'the child to be seen at work');
    begin.open();
    expect(await rig.untilEnd(child.id)).toMatchObject({ output: { text: ANSWER } });
  });
});

describe('a tree', () => {
  const stops = createStops();
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ wrapStore: stops.wrapStore });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('C8 C12 lets nothing escape that is started while it is cancelled', async () => {
    const root = await streamingRun(rig);
    const child = await streamingRun(rig, [halfAnswer()], root);
    const start = () => {
      const { model } = rig.script([{ say: PARTIAL }, { stall: true }]);
      const body = { input: 'How?', model, parent: { task_id: child.id } };
      return rig.request<Task>('POST', '/v1/tasks', body);
    };
    const starting = Array.from({ length: 12 }, start);
    await Promise.race(starting);
    const receipt = await rig.cancel(root.id, PATIENT);
    const answers = await Promise.all([...starting, start()]);
    const accepted = answers.filter(({ status }) => status === 202).map(({ body }) => body.id);
    for (const { status, body } of answers) {
      if (status !== 202)
        expect([status, body]).toMatchObject([409, { error: { code: 'tree_cancelled' } }]);
    }
    expect(answers.at(-1)?.status).toBe(409);
    expect(receipt.children.map(({ task_id }) => task_id)).toEqual(
      expect.arrayContaining([child.id, ...accepted]),
    );
    for (const id of [root.id, child.id, ...accepted]) {
      expect((await rig.untilEnd(id)).failure?.code).toBe('cancelled');
    }
  });

  it('C12 is cancelled as a whole where the API died behind the record of its root', async () => {
    const root = await streamingRun(rig);
    const child = await streamingRun(rig, [halfAnswer()], root);
    const pending = await acceptOnly(rig, {
      model: rig.script([{ say: PARTIAL }, { stall: true }]).model,
      parent: { task_id: child.id },
    });
    const request = { at: new Date().toISOString(), by: null, reason: REASON };
    expect(await rig.store.requestTreeCancel(root.id, LOCAL_OWNER, request)).toMatchObject({
      kind: 'requested',
      goesOn: true,
    });
    for (const { id, conversation, reader } of [root, child]) {
      await expectCancelled(rig, id, { partial: PARTIAL, reason: REASON, conversation, reader });
    }
    expect((await rig.untilEnd(pending.id)).failure).toMatchObject({
      code: 'cancelled',
      message: expect.stringContaining(REASON),
    });
  });

  it('is cancelled as a whole where its root is interrupted in its conversation', async () => {
    const root = await streamingRun(rig);
    const child = await streamingRun(rig, [halfAnswer()], root);
    const next = await rig.start({
      input: 'Now!',
      model: rig.script([{ say: ANSWER }]).model,
      conversation_id: root.conversation,
      on_busy: 'interrupt',
    });
    expect(await rig.untilEnd(next.id)).toMatchObject({ output: { text: ANSWER } });
    expect((await rig.untilEnd(root.id)).failure?.code).toBe('cancelled');
    const { id, conversation, reader } = child;
    const reason = `interrupted by ${next.id}`;
    await expectCancelled(rig, id, { partial: PARTIAL, reason, conversation, reader });
  });

  it('is waited for no longer than wait_ms says, and is cancelling as long as one of it runs', async () => {
    const root = await streamingRun(rig);
    const child = await streamingRun(rig, [halfAnswer()], root);
    const storing = gate();
    stops.beforeFinish.set(child.id, storing);
    const cancel = await rig.request<Receipt>('POST', `/v1/tasks/${root.id}/cancel`, {
      wait_ms: 300,
    });
    expect(cancel).toMatchObject({ status: 202, body: { outcome: 'cancelling' } });
    expect(cancel.body.children).toMatchObject([
      { task_id: child.id, outcome: 'cancelling', status: 'RUNNING' },
    ]);
    await within(storing.reached, () => 'the end to be stored');
    storing.open();
    for (const { id, conversation, reader } of [root, child]) {
      await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
    }
  });
});
