import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOCAL_OWNER } from '../../contract/names.ts';
import type { Receipt, Task } from '../../contract/wire.ts';
import { gate } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import {
  expectCancelled,
  halfAnswer,
  logOf,
  newConversation,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
} from './cancelled-run.ts';
import { createStops } from './stops.ts';

const call = (name: string) => ({ call: { id: 'c1', name, arguments: {} } });

describe.each(RELAY_MOODS)('cancel at any moment, relay %s', (relay) => {
  const stops = createStops();
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay, tools: stops.tools, wrapStore: stops.wrapStore });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** A run whose first step calls the tool once `begin` is opened. */
  async function runWithTool(name: string) {
    const begin = gate();
    const { model, key } = rig.script(
      [{ say: 'Let me see. ' }, { gate: begin }, call(name)],
      [{ say: PARTIAL + REST }],
    );
    const conversation = newConversation();
    const { id } = await rig.start({ input: 'Do.', model, conversation_id: conversation });
    const reader = await rig.read(id);
    return { id, key, conversation, reader, begin: begin.open };
  }

  describe('without a worker', () => {
    beforeEach(() => rig.stopWorkers());

    it('C6.2 ends a PENDING task by itself, with no worker up', async () => {
      const { model, key } = rig.script();
      const conversation = newConversation();
      const { id } = await rig.start({ input: 'Later.', model, conversation_id: conversation });
      const reader = await rig.read(id);
      const receipt = await rig.cancel(id, { reason: 'never mind' });
      expect(receipt).toMatchObject({ outcome: 'cancelled', status: 'FAILED', last_seq: 2 });
      await reader.ended;
      await rig.startWorker();
      await expectCancelled(rig, id, {
        partial: null,
        reason: 'never mind',
        conversation,
        reader,
      });
      expect(rig.model.calls(key)).toBe(0);
    });

    it('C6.1 ends a run that Temporal cancels before its first workflow task', async () => {
      const { model, key } = rig.script();
      const conversation = newConversation();
      const { id } = await rig.start({ input: 'Later.', model, conversation_id: conversation });
      const reader = await rig.read(id);
      await rig.client.workflow.getHandle(id).cancel();
      await rig.startWorker();
      await expectCancelled(rig, id, { partial: null, conversation, reader });
      expect(rig.model.calls(key)).toBe(0);
    });
  });

  it.concurrent('C6.3 calls no model again when the cancel comes between two steps', async () => {
    const { id, key, conversation, reader, begin } = await runWithTool('act');
    stops.acts.set(id, async () => {
      await rig.cancel(id, { wait_ms: 0 });
    });
    begin();
    await expectCancelled(rig, id, { partial: null, conversation, reader });
    expect(rig.model.calls(key)).toBe(1);
  });

  it.concurrent('C6.3 calls no model when the cancel comes just before the last look', async () => {
    const { id, key, conversation, reader, begin } = await runWithTool('act');
    const look = gate();
    stops.acts.set(id, () => {
      stops.beforeLook.set(id, look);
      return Promise.resolve();
    });
    begin();
    await within(look.reached, () => 'the second step');
    await rig.cancel(id, { wait_ms: 0 });
    look.open();
    await expectCancelled(rig, id, { partial: null, conversation, reader });
    expect(rig.model.calls(key)).toBe(1);
  });

  it.concurrent(
    'C6.4 begins no tool once a cancel is recorded, though nobody was told of it',
    async () => {
      const { id, key, conversation, reader, begin } = await runWithTool('wait');
      await reader.untilTrue(() => reader.screen.text(1) === 'Let me see. ');
      const request = { at: new Date().toISOString(), by: null, reason: null };
      expect(await rig.store.requestCancel(id, LOCAL_OWNER, request)).toMatchObject({
        kind: 'requested',
      });
      begin();
      await expectCancelled(rig, id, { partial: null, conversation, reader });
      expect(stops.begun.has(id)).toBe(false);
      expect(rig.model.calls(key)).toBe(1);
    },
  );

  it.concurrent.each(['wait', 'sulk'])('C6.4 stops the tool that runs: %s', async (name) => {
    const { id, key, conversation, reader, begin } = await runWithTool(name);
    begin();
    const signal = await eventually(() => stops.begun.get(id), 'the tool to run');
    expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
    expect(signal.aborted).toBe(true);
    await expectCancelled(rig, id, { partial: null, conversation, reader });
    const results = (await logOf(rig, id)).filter(({ type }) => type === 'turn.tool_result');
    expect(results).toMatchObject([{ data: { call_id: 'c1', is_error: true } }]);
    expect(rig.model.calls(key)).toBe(1);
  });

  it.concurrent(
    'C6.5 keeps the partial of the failed attempt when it is cancelled in backoff',
    async () => {
      const { model, key } = rig.script(
        [{ say: PARTIAL }, { cut: true }],
        [{ status: 429, retryAfter: '3600' }],
      );
      const conversation = newConversation();
      const { id } = await rig.start({ input: 'Try.', model, conversation_id: conversation });
      const reader = await rig.read(id);
      await reader.until(
        ({ frame }) => frame.type === 'turn.attempt_failed' && frame.data.attempt === 2,
      );
      expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
      await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
      expect(reader.screen.text(1)).toBe(PARTIAL);
      expect(rig.model.calls(key)).toBe(2);
    },
  );

  it.concurrent(
    'C6.6 keeps a finished answer as partial when it is cancelled while it is stored',
    async () => {
      const hold = gate();
      const begin = gate();
      const { id, conversation, reader } = await streamingRun(rig, [halfAnswer(begin)]);
      stops.beforeFinish.set(id, hold);
      begin.open();
      await within(hold.reached, () => 'the clean-up');
      expect((await rig.cancel(id, { wait_ms: 0 })).outcome).toBe('cancelling');
      hold.open();
      await expectCancelled(rig, id, { partial: PARTIAL + REST, conversation, reader });
    },
  );

  it.concurrent(
    'C6.6 ends once when it is cancelled again during the clean-up of a cancel',
    async () => {
      const hold = gate();
      const { id, conversation, reader } = await streamingRun(rig);
      stops.beforeFinish.set(id, hold);
      await rig.cancel(id, { wait_ms: 0, reason: 'first' });
      await within(hold.reached, () => 'the clean-up');
      await rig.cancel(id, { wait_ms: 0, reason: 'second' });
      await rig.client.workflow.getHandle(id).cancel();
      hold.open();
      await expectCancelled(rig, id, { partial: PARTIAL, reason: 'first', conversation, reader });
    },
  );

  it.concurrent('C6.7 ends once when it is cancelled twice, for the first reason', async () => {
    const { id, conversation, reader } = await streamingRun(rig);
    const first = await rig.cancel(id, { ...PATIENT, reason: 'first' });
    const second = await rig.cancel(id, { reason: 'second' });
    expect(second).toEqual({ ...first, outcome: 'already_terminal' });
    await expectCancelled(rig, id, { partial: PARTIAL, reason: 'first', conversation, reader });
  });

  it.concurrent(
    'C6.8 ends once when fifty clients cancel at once, and tells them all the same',
    async () => {
      const { id, conversation, reader } = await streamingRun(rig);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          rig.request<Receipt>('POST', `/v1/tasks/${id}/cancel`, PATIENT),
        ),
      );
      await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
      const task: Task = await rig.get(id);
      for (const { status, body } of answers) {
        expect(status).toBe(200);
        expect(body).toMatchObject({
          status: 'FAILED',
          partial_output: PARTIAL,
          stopped_at: task.finished_at,
          requested_at: answers[0]?.body.requested_at,
        });
      }
    },
  );
});
