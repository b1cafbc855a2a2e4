import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../contract/wire.ts';
import type { Store } from '../../store/store.ts';
import { entriesOf } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import {
  expectOneEnd,
  halfAnswer,
  logOf,
  newConversation,
  PARTIAL,
  PATIENT,
  REST,
  untilHeartbeat,
} from './cancelled-run.ts';
import { createStops } from './stops.ts';

const LATE = 'What the old run has to say.';

const { beforeFinish, afterFinish, wrapStore: wrapWithStops } = createStops();

/** The reconciler looks at every run in each of its rounds. */
function wrapStore(store: Store): Store {
  const stopping = wrapWithStops(store);
  return { ...stopping, dueChecks: (_olderThanMs, limit) => stopping.dueChecks(0, limit) };
}

describe('an id that is used again', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ wrapStore });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const newId = () => `order-${randomUUID().slice(0, 8)}`;
  const start = (id: string, { model }: { model: string }, conversation_id?: string) =>
    rig.start({ input: 'How?', id, model, ...(conversation_id && { conversation_id }) });
  const startAgain = (id: string, model: string) =>
    rig.request<Task & { error?: { code: string } }>('POST', '/v1/tasks', {
      input: 'How?',
      id,
      model,
    });
  /** Ends the first epoch from outside, while its worker is still at it. */
  async function terminate(id: string): Promise<Task> {
    await rig.client.workflow.getHandle(id).terminate('an operator wants it');
    return rig.untilStatus(`${id}.e1`, 'FAILED');
  }

  it('M6 keeps the new epoch as it is when the old one stores its end late', async () => {
    const id = newId();
    const conversation = newConversation();
    const [held, over] = [gate(), gate()];
    beforeFinish.set(id, held);
    await start(id, rig.script([{ say: LATE }]), conversation);
    await held.reached;
    expect(await startAgain(id, 'demo')).toMatchObject({
      status: 409,
      body: { error: { code: 'task_exists' } },
    });
    const first = await terminate(id);
    expect(first).toMatchObject({ id, epoch: 1, failure: { code: 'terminated' } });

    const half = gate();
    const second = await start(id, rig.script(halfAnswer(half)), conversation);
    expect(second).toMatchObject({ id, epoch: 2, workflow: { workflow_id: `${id}.e2` } });
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === PARTIAL);
    afterFinish.set(id, over);
    held.open();
    await over.reached;
    over.open();
    expect(await rig.get(`${id}.e1`)).toEqual(first);
    expect(await rig.get(id)).toMatchObject({ epoch: 2, status: 'RUNNING', output: null });

    half.open();
    const ended = await rig.untilEnd(id);
    expect(ended).toMatchObject({ epoch: 2, output: { text: PARTIAL + REST } });
    await reader.ended;
    expect(reader.screen.text(1)).toBe(PARTIAL + REST);
    expectOneEnd(await logOf(rig, id), ended);
    expect(await logOf(rig, id)).toEqual(entriesOf(reader.frames));
    expectOneEnd(await logOf(rig, `${id}.e1`), first);
    expect(await rig.messages(conversation)).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: LATE, partial: true },
      { role: 'user' },
      { role: 'assistant', content: PARTIAL + REST, partial: false },
    ]);
  });

  it('M6 shows nothing in the new epoch of what the old one still says', async () => {
    const id = newId();
    const silent = gate();
    const old = rig.script([{ say: PARTIAL }, { gate: silent }, { say: LATE, pieces: 3 }]);
    await start(id, old);
    await untilHeartbeat(rig, id);
    expect(await terminate(id)).toMatchObject({ partial_output: PARTIAL });

    const half = gate();
    await start(id, rig.script(halfAnswer(half)));
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === PARTIAL);
    silent.open();
    expect(await rig.model.closed(old.key, 1)).toEqual(expect.any(String));
    half.open();
    await reader.ended;
    expect(reader.screen.text(1)).toBe(PARTIAL + REST);
    expect(await rig.get(id)).toMatchObject({ epoch: 2, output: { text: PARTIAL + REST } });
    expect(await rig.get(`${id}.e1`)).toMatchObject({ partial_output: PARTIAL, output: null });
  });

  it('M6 begins one run of twenty starts at once, for the first epoch and for the next', async () => {
    const id = newId();
    for (const epoch of [1, 2]) {
      // Until all are answered the one that was accepted has not ended.
      const answered = gate();
      const { model, key } = rig.script([{ gate: answered }, { say: `Number ${epoch}.` }]);
      const starts = await Promise.all(Array.from({ length: 20 }, () => startAgain(id, model)));
      const refused = starts.filter(({ status }) => status !== 202);
      expect(refused.map(({ status, body }) => [status, body.error?.code])).toEqual(
        Array.from({ length: 19 }, () => [409, 'task_exists']),
      );
      answered.open();
      const task = await rig.untilEnd(id);
      expect(task).toMatchObject({ id, epoch, output: { text: `Number ${epoch}.` } });
      expect(rig.model.calls(key)).toBe(1);
    }
  });

  it('C1 M6 cancels the epoch that runs, and no other', async () => {
    const id = newId();
    await start(id, rig.script([{ say: 'The first answer.' }]));
    const first = await rig.untilEnd(id);
    await start(id, rig.script(halfAnswer()));
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === PARTIAL);
    expect(await rig.cancel(`${id}.e1`, PATIENT)).toMatchObject({ outcome: 'already_terminal' });
    expect(await rig.cancel(id, PATIENT)).toMatchObject({
      task_id: id,
      outcome: 'cancelled',
      partial_output: PARTIAL,
    });
    await eventually(
      async () => (await rig.workflowStatus(`${id}.e2`)) === 'CANCELLED',
      'the run to close',
    );
    expect(await rig.get(`${id}.e1`)).toEqual(first);
    expect(first).toMatchObject({ status: 'COMPLETED', output: { text: 'The first answer.' } });
  });

  it('I2 M6 tells the epoch below which a child was started of its end, by the ids that callers chose', async () => {
    const [id, child] = [newId(), newId()];
    for (const one of [id, child]) {
      await start(one, rig.script([{ say: 'The first answer.' }]));
      await rig.untilEnd(one);
    }
    const half = gate();
    await start(id, rig.script(halfAnswer(half)));
    await half.reached;
    const { model } = rig.script([{ say: 'Done.' }]);
    const below = await rig.start({ input: 'Help.', id: child, model, parent: { task_id: id } });
    expect(below).toMatchObject({ id: child, epoch: 2, parent: { task_id: id } });
    const reader = await rig.read(id);
    const { frame } = await reader.until(({ frame }) => frame.type === 'child.completed');
    expect(frame).toMatchObject({ task_id: id, data: { task_id: child } });
    half.open();
    await rig.untilEnd(id);
    const first = (await logOf(rig, `${id}.e1`)).map(({ type }) => type);
    expect(first).not.toContain('child.completed');
    const accepted = await logOf(rig, child);
    expect(accepted[0]?.data).toMatchObject({ epoch: 2, parent: { task_id: id } });
  });
});
