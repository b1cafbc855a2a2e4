import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../contract/wire.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { expectCancelled, halfAnswer, newConversation, PARTIAL, PATIENT } from './cancelled-run.ts';
import {
  call,
  createCast,
  entriesOf,
  promptOf,
  startLead,
  untilRunning,
  untilWaiting,
} from './family.ts';
import { expectLeft } from './left-behind.ts';

const ANSWER = 'I shall do it myself.';
const ANSWERS: Turn = [{ say: ANSWER }];
const REASON = 'it takes too long';

const cast = createCast(['worker']);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const asks: Turn = [call('spawn_agent', { agent: 'worker', input: 'Work.', name: 'worker' })];

/** The result of the call, and what the model was told of the child in the next step: that result and nothing more. */
async function resultOf({ id, key }: { id: string; key: string }) {
  await expectLeft(rig, id, { text: ANSWER, code: null });
  const [result] = await entriesOf(rig, id, 'turn.tool_result');
  expect(promptOf(rig, key, 2)).toHaveLength(3);
  expect(promptOf(rig, key, 2).at(-1)).toContain('tool: ');
  return result?.data;
}

/** A lead that waits for the answer of its child, which has said `PARTIAL`. */
async function waiting() {
  const held = gate();
  const childKey = cast.direct(rig, 'worker', halfAnswer(held));
  const conversation_id = newConversation();
  const lead = await startLead(rig, [asks, ANSWERS], { conversation_id });
  await held.reached;
  await untilWaiting(rig, lead.id);
  const child = await untilRunning(rig, lead.id, 'worker');
  return { ...lead, childKey, child, held, conversation_id };
}

describe('a child that is waited for', () => {
  it('K1 fails, which is an error result with its cause; the run goes on', async () => {
    cast.direct(rig, 'worker', [{ status: 400, body: { error: { message: 'no moon' } } }]);
    const result = await resultOf(await startLead(rig, [asks, ANSWERS]));
    expect(result).toMatchObject({
      is_error: true,
      output: {
        name: 'worker',
        failure: { code: 'model_error', message: expect.stringContaining('no moon') },
        partial_output: null,
      },
    });
  });

  it('is cancelled, which is an error result with the reason and what it had said', async () => {
    const { id, key, child } = await waiting();
    await rig.cancel(child.id, { reason: REASON, ...PATIENT });
    expect(await resultOf({ id, key })).toMatchObject({
      is_error: true,
      output: {
        task_id: child.id,
        failure: { code: 'cancelled', message: `The task was cancelled: ${REASON}` },
        partial_output: PARTIAL,
      },
    });
  });

  it('goes on where only its parent is cancelled; its result is one of the conversation', async () => {
    const { id, key, child, held, conversation_id } = await waiting();
    const receipt = await rig.cancel(id, { scope: 'task', ...PATIENT });
    expect(receipt).toMatchObject({ outcome: 'cancelled', children: [] });
    await expectCancelled(rig, id, { partial: null, conversation: conversation_id });
    expect((await rig.get(child.id)).status).toBe('RUNNING');
    held.open();
    const { output } = await rig.untilStatus(child.id, 'COMPLETED');
    const path = `/v1/conversations/${conversation_id}/results/claim`;
    const claimed = await rig.request('POST', path, { claim_id: 'c1' });
    expect(claimed.body).toMatchObject({ data: [{ id: child.id, output }] });
    expect(rig.model.calls(key)).toBe(1);
  });

  it('is cancelled with its parent, and each has its own end', async () => {
    const { id, key, childKey, child, conversation_id } = await waiting();
    const receipt: Receipt = await rig.cancel(id, { reason: REASON, ...PATIENT });
    expect(receipt.children).toMatchObject([{ task_id: child.id, partial_output: PARTIAL }]);
    const expected = { reason: REASON };
    await expectCancelled(rig, id, { ...expected, partial: null, conversation: conversation_id });
    await expectCancelled(rig, child.id, { ...expected, partial: PARTIAL });
    expect(await rig.model.closed(childKey, 1)).toBe('client');
    expect([rig.model.calls(key), rig.model.calls(childKey)]).toEqual([1, 1]);
  });

  it('goes on where the time of its parent is up', async () => {
    const held = gate();
    cast.direct(rig, 'worker', halfAnswer(held));
    const { id } = await startLead(rig, [asks], { timeout_seconds: 5 });
    await held.reached;
    await expectLeft(rig, id, { text: null, code: 'timed_out' });
    const child = await untilRunning(rig, id, 'worker');
    held.open();
    await rig.untilStatus(child.id, 'COMPLETED');
  });
});
