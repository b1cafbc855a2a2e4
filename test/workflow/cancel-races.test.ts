import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_OWNER } from '../../contract/names.ts';
import type { Receipt } from '../../contract/wire.ts';
import { entriesOf } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import {
  expectCancelled,
  expectOneEnd,
  halfAnswer,
  logOf,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
  untilClosed,
  type StreamingRun,
} from './cancelled-run.ts';
import { createStops } from './stops.ts';

const ANSWER = PARTIAL + REST;

describe.each(RELAY_MOODS)('cancel against completion, relay %s', (relay) => {
  const stops = createStops();
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay, wrapStore: stops.wrapStore });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** Whoever won, record, feed, log, messages, workflow and receipt must tell of the same winner. */
  async function expectOneWinner(
    { id, conversation, reader }: StreamingRun,
    receipt: Receipt,
  ): Promise<void> {
    const task = await rig.untilEnd(id);
    if (receipt.outcome !== 'already_terminal') {
      await expectCancelled(rig, id, { partial: task.partial_output, conversation, reader });
      expect(receipt).toMatchObject(receipt.outcome === 'cancelled' ? { status: 'FAILED' } : {});
      return;
    }
    expect(receipt.status).toBe('COMPLETED');
    expect(task).toMatchObject({
      status: 'COMPLETED',
      output: { text: ANSWER },
      partial_output: null,
    });
    await reader.ended;
    expectOneEnd(await logOf(rig, id), task);
    expect(entriesOf(reader.frames)).toEqual(await logOf(rig, id));
    expect((await rig.messages(conversation)).slice(1)).toMatchObject([
      { content: ANSWER, partial: false },
    ]);
    await untilClosed(rig, id, 'COMPLETED');
  }

  it.concurrent('C7 lets the completion win that was stored first', async () => {
    const begin = gate();
    const stored = gate();
    const run = await streamingRun(rig, [halfAnswer(begin)]);
    stops.afterFinish.set(run.id, stored);
    begin.open();
    await within(stored.reached, () => 'the end to be stored');
    const receipt = await rig.cancel(run.id, PATIENT);
    stored.open();
    expect(receipt.outcome).toBe('already_terminal');
    await expectOneWinner(run, receipt);
  });

  it.concurrent('C7 C8 lets the cancel win that was recorded first', async () => {
    const begin = gate();
    const storing = gate();
    const run = await streamingRun(rig, [halfAnswer(begin)]);
    stops.beforeFinish.set(run.id, storing);
    begin.open();
    await within(storing.reached, () => 'the end to be stored');
    const waiting = rig.cancel(run.id, PATIENT);
    const isRecorded = async () => (await rig.store.getTask(run.id, LOCAL_OWNER))?.cancel_request;
    await eventually(isRecorded, 'the cancel to be recorded');
    storing.open();
    const receipt = await waiting;
    expect(receipt).toMatchObject({ outcome: 'cancelled', partial_output: ANSWER });
    await expectOneWinner(run, receipt);
  });

  it.concurrent('C7 has one winner when cancel and end are let go in the same moment', async () => {
    const winners = await Promise.all(
      Array.from({ length: 8 }, async (_, turn) => {
        const begin = gate();
        const storing = gate();
        const run = await streamingRun(rig, [halfAnswer(begin)]);
        stops.beforeFinish.set(run.id, storing);
        begin.open();
        await within(storing.reached, () => 'the end to be stored');
        if (turn % 2 === 0) storing.open();
        const waiting = rig.cancel(run.id, PATIENT);
        if (turn % 2 === 1) storing.open();
        const receipt = await waiting;
        await expectOneWinner(run, receipt);
        return receipt.outcome;
      }),
    );
    expect(winners).not.toContain('cancelling');
  });

  it.concurrent(
    'C8 never completes a run whose cancel was accepted while its last words came',
    async () => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, turn) => {
          const begin = gate();
          const run = await streamingRun(rig, [halfAnswer(begin)]);
          if (turn % 2 === 0) begin.open();
          const waiting = rig.cancel(run.id, { wait_ms: 0 });
          if (turn % 2 === 1) begin.open();
          await expectOneWinner(run, await waiting);
        }),
      );
    },
  );
});
