import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Taken, Task } from '../../contract/wire.ts';
import { openRig, type Rig, type StartBody } from '../support/rig.ts';
import { createStoreFaults, REFUSED } from '../support/store-faults.ts';
import { eventually } from '../support/within.ts';
import { expectCancelled, untilClosed } from './cancelled-run.ts';
import { conversationRuns, HALF, hasty, WHOLE } from './conversation-runs.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const faults = createStoreFaults();
let rig: Rig;
const { held, start, claim, promptOf, contentsOf } = conversationRuns(() => rig);
beforeAll(async () => {
  rig = await openRig({ wrapStore: (store) => hasty(faults.wrap(store)) });
});
beforeEach(() => faults.heal());
afterAll(() => rig[Symbol.asyncDispose]());

/** Waits until the task says that its end cannot be stored. */
const untilStuck = (id: string): Promise<Task> =>
  eventually(async () => {
    const task = await rig.get(id);
    return task.live?.persistence_error?.includes(REFUSED) && task;
  }, `${id} to say what is wrong`);

/** A task of a conversation whose answer is there, and whose end cannot be stored. */
async function stuck(body: Partial<StartBody> = {}) {
  const { conversation_id = newId('conv') } = body;
  const { id, finish } = await held(conversation_id, body);
  const reader = await rig.read(id);
  faults.refuse('finishTask');
  finish();
  expect(await untilStuck(id)).toMatchObject({ status: 'RUNNING', finished_at: null });
  return { id, conversation_id, reader };
}

const forget = async (conversation_id: string) => {
  const path = `/v1/conversations/${conversation_id}/tasks?state=terminal`;
  return (await rig.request<{ removed: number }>('DELETE', path)).body.removed;
};

describe('the end of a run that cannot be stored yet', () => {
  it('M7 holds up those that wait for their turn; they then have it in order, with the answer', async () => {
    const { id, conversation_id, reader } = await stuck();
    const first = await start(conversation_id, { input: 'one' });
    const second = await start(conversation_id, {
      input: 'two',
      turns: [[{ say: 'Noted.' }], [{ say: 'Done.' }]],
    });
    const message = { text: 'three', mode: 'after_run' };
    const sent = await rig.request<Taken>('POST', `/v1/tasks/${second.id}/messages`, message);
    await untilStuck(id);
    for (const waiting of [first.id, second.id, sent.body.task_id]) {
      expect(await rig.get(waiting)).toMatchObject({ status: 'PENDING', started_at: null });
    }
    faults.heal();
    await expectLeft(rig, id, { text: WHOLE, code: null, reader });
    await rig.untilEnd(second.id);
    expect(promptOf(second.key)).toEqual(['What is it?', WHOLE, 'one', 'Noted.', 'two']);
    await rig.untilEnd(sent.body.task_id);
    expect(await contentsOf(conversation_id)).toEqual([
      ...['What is it?', WHOLE, 'one', 'Noted.', 'two', 'Noted.', 'three', 'Done.'],
    ]);
  });

  it('M7 is the end of a cancelled run, too, with its partial', async () => {
    const conversation = newId('conv');
    const { id, key } = await held(conversation);
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === HALF);
    faults.refuse('finishTask');
    const receipt = await rig.cancel(id, { reason: 'enough', wait_ms: 0 });
    expect(receipt.outcome).toBe('cancelling');
    expect(await rig.model.closed(key, 1)).toBe('client');
    expect(await untilStuck(id)).toMatchObject({ status: 'RUNNING', failure: null });
    expect((await rig.cancel(id, { wait_ms: 0 })).outcome).toBe('cancelling');
    faults.heal();
    await expectCancelled(rig, id, { partial: HALF, reason: 'enough', conversation, reader });
  });

  it('M7 keeps the answer as the partial of a run that is cancelled while it waits', async () => {
    const { id, conversation_id: conversation, reader } = await stuck();
    expect((await rig.cancel(id, { wait_ms: 0 })).outcome).toBe('cancelling');
    faults.heal();
    expect(await rig.untilEnd(id)).toMatchObject({ status: 'FAILED', partial_output: WHOLE });
    await expectCancelled(rig, id, { partial: WHOLE, conversation, reader });
  });

  it.each([
    ['a failure', { status: 400 }, {}, 'model_error'],
    ['a time limit', { stall: true }, { timeout_seconds: 1 }, 'timed_out'],
  ] as const)('M7 keeps what a run had said before %s', async (_what, end, limits, code) => {
    const { model } = rig.script(
      [{ say: HALF }, 'stall' in end ? end : { cut: true }],
      [end],
      [end],
    );
    faults.refuse('finishTask');
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'What is it?', model, conversation_id, ...limits });
    const reader = await rig.read(id);
    await untilStuck(id);
    faults.heal();
    await expectLeft(rig, id, { text: HALF, code, reader });
  });

  it('M7 outlives the worker that could not store it: another one does', async () => {
    const { id, reader } = await stuck();
    await rig.stopWorkers();
    faults.heal();
    expect(await archiveOf(rig, id)).toEqual([]);
    await rig.startWorker();
    await expectLeft(rig, id, { text: WHOLE, code: null, reader });
    await untilClosed(rig, id, 'COMPLETED');
  });
});

describe('a result that cannot be stored yet', () => {
  it('M5 B2 is neither forgotten nor delivered; once it is stored, both', async () => {
    const conversation_id = newId('conv');
    await rig.untilEnd((await start(conversation_id)).id);
    const { id } = await stuck({ conversation_id, detached: true });
    expect(await claim(conversation_id, 'early')).toEqual([]);
    expect(await forget(conversation_id)).toBe(1);
    expect((await rig.get(id)).status).toBe('RUNNING');
    faults.heal();
    await rig.untilEnd(id);
    expect(await forget(conversation_id)).toBe(0);
    expect(await claim(conversation_id, 'late')).toEqual([[id, 'COMPLETED', { text: WHOLE }]]);
    expect(await forget(conversation_id)).toBe(1);
    expect(await rig.get(id)).toMatchObject({ error: { code: 'task_not_found' } });
  });

  it('B5 reaches the results, though its worker is stopped and its run closed from outside', async () => {
    const { id, conversation_id } = await stuck({ detached: true });
    await rig.stopWorkers();
    faults.heal();
    await rig.client.workflow.getHandle(id).terminate('an operator wants it');
    await rig.startWorker();
    await rig.untilEnd(id);
    expect(await claim(conversation_id, 'late')).toEqual([[id, 'FAILED', null]]);
    expect((await rig.get(id)).partial_output).toBe(WHOLE);
  });
});
