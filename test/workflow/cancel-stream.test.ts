import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Receipt } from '../../contract/wire.ts';
import { entriesOf } from '../support/feed-reader.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import {
  acceptOnly,
  expectCancelled,
  halfAnswer,
  logOf,
  newConversation,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
} from './cancelled-run.ts';

describe.each(RELAY_MOODS)('cancel while the model streams, relay %s', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it.concurrent(
    'C1 aborts the provider call, and keeps the partial as message and as partial_output',
    async () => {
      const { id, key, conversation, reader } = await streamingRun(rig);
      const receipt = await rig.cancel(id, PATIENT);
      expect(receipt).toMatchObject({ task_id: id, outcome: 'cancelled', partial_output: PARTIAL });
      expect(await rig.model.closed(key, 1)).toBe('client');
      await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
    },
  );

  it.concurrent('C1 cuts off a model that says nothing at all, without a message', async () => {
    const { model, key } = rig.script([{ stall: true }]);
    const conversation = newConversation();
    const { id } = await rig.start({ input: 'Hello?', model, conversation_id: conversation });
    await rig.model.arrived(key, 1);
    expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
    expect(await rig.model.closed(key, 1)).toBe('client');
    await expectCancelled(rig, id, { partial: null, conversation });
  });

  it.concurrent('C1 cuts off a model that never stops talking', async () => {
    const { model, key } = rig.script([{ say: 'on and '.repeat(5000), pieces: 5000, everyMs: 5 }]);
    const conversation = newConversation();
    const { id } = await rig.start({ input: 'Go on.', model, conversation_id: conversation });
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1).length > 0);
    const { partial_output: partial } = await rig.cancel(id, PATIENT);
    expect(await rig.model.closed(key, 1)).toBe('client');
    expect('on and '.repeat(5000).startsWith(partial ?? '-')).toBe(true);
    await expectCancelled(rig, id, { partial, conversation, reader });
    expect(reader.screen.text(1)).toBe(partial);
  });

  it.concurrent(
    'C2 C3 ends FAILED with code cancelled and the reason, in one task.failed that says cancelled',
    async () => {
      const { id, reader } = await streamingRun(rig);
      await rig.cancel(id, { reason: 'the user left' });
      await expectCancelled(rig, id, { partial: PARTIAL, reason: 'the user left', reader });
      const ends = entriesOf(reader.frames).filter(({ type }) => type === 'task.failed');
      expect(ends).toHaveLength(1);
      expect(ends[0]).toMatchObject({ data: { error: expect.stringContaining('cancelled') } });
      expect((await rig.get(id)).failure?.message).toContain('the user left');
    },
  );

  it.concurrent(
    'C4 closes the workflow as Canceled, its cancel request before the clean-up',
    async () => {
      const { id } = await streamingRun(rig);
      await rig.cancel(id, PATIENT);
      await expectCancelled(rig, id, { partial: PARTIAL });
      const { events } = await rig.client.workflow.getHandle(id).fetchHistory();
      const requested = events?.findIndex(
        (event) => event.workflowExecutionCancelRequestedEventAttributes,
      );
      const cleanUp = events?.findIndex(
        ({ activityTaskScheduledEventAttributes: scheduled }) =>
          scheduled?.activityType?.name === 'finishTask',
      );
      expect(requested).toBeGreaterThan(0);
      expect(cleanUp).toBeGreaterThan(requested ?? Infinity);
    },
  );

  it.concurrent(
    'C1 waits for the cancelled attempt, so that its partial stands in the interrupted entry',
    async () => {
      const { id, reader } = await streamingRun(rig, [[{ reason: 'Hm. ' }, ...halfAnswer()]]);
      // Straight to Temporal, without a bell: the partial can only come with the cancelled activity.
      await rig.client.workflow.getHandle(id).cancel();
      await expectCancelled(rig, id, { partial: PARTIAL, reader });
      expect((await logOf(rig, id)).at(-2)).toMatchObject({
        type: 'turn.interrupted',
        data: {
          step: 1,
          attempt: 1,
          text: PARTIAL,
          blocks: [
            { kind: 'reasoning', text: 'Hm. ' },
            { kind: 'text', text: PARTIAL },
          ],
        },
      });
    },
  );

  it.concurrent('C5 changes nothing after the end, and says already_terminal', async () => {
    const { model } = rig.script([{ say: PARTIAL + REST }]);
    const conversation = newConversation();
    const { id } = await rig.start({ input: 'How?', model, conversation_id: conversation });
    const before = await rig.untilStatus(id, 'COMPLETED');
    const messages = await rig.messages(conversation);
    const { status, body } = await rig.request<Receipt>('POST', `/v1/tasks/${id}/cancel`, {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      outcome: 'already_terminal',
      status: 'COMPLETED',
      requested_at: null,
    });
    expect(await rig.get(id)).toEqual(before);
    expect(await rig.messages(conversation)).toEqual(messages);
    expect(messages).toHaveLength(2);
  });

  it.concurrent(
    'C9 calls no model after a receipt, whether it says cancelled or cancelling',
    async () => {
      const call = { id: 'c1', name: 'current_time', arguments: {} };
      const { id, key } = await streamingRun(rig, [[...halfAnswer(), { call }]]);
      expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
      const hasty = await streamingRun(rig, [[...halfAnswer(), { call }]]);
      expect((await rig.cancel(hasty.id, { wait_ms: 0 })).outcome).toBe('cancelling');
      await expectCancelled(rig, id, { partial: PARTIAL });
      await expectCancelled(rig, hasty.id, { partial: PARTIAL });
      await eventually(() => rig.model.closed(hasty.key, 1), 'the provider to be hung up');
      // The workflows are closed: nobody is left who could call.
      expect([rig.model.calls(key), rig.model.calls(hasty.key)]).toEqual([1, 1]);
    },
  );

  it.concurrent(
    'C14 answers 404 with the same body for an unknown and a foreign task',
    async () => {
      const foreign = await acceptOnly(rig, { owner: 'someone else' });
      const refusal = async (taskId: string) => {
        const { status, body } = await rig.request('POST', `/v1/tasks/${taskId}/cancel`, {});
        return { status, error: { ...body.error, request_id: '' } };
      };
      const unknown = await refusal(newId('task'));
      expect(unknown).toMatchObject({ status: 404, error: { code: 'task_not_found' } });
      expect(await refusal(foreign.id)).toEqual(unknown);
      expect((await rig.store.getTask(foreign.id))?.cancel_request).toBeNull();
    },
  );
});
