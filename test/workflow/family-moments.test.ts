import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { logOf, PATIENT } from './cancelled-run.ts';
import { call, createCast, entriesOf } from './family.ts';
import {
  CLAIMED,
  endUntold,
  lastAnswer,
  openPair,
  placesOf,
  READ,
  tellLead,
  type Pair,
} from './family-ends.ts';
import { createStops } from './stops.ts';

const cast = createCast(['worker']);
const stops = createStops();
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents, wrapStore: stops.wrapStore });
});
afterAll(() => rig[Symbol.asyncDispose]());

const calculate = call('calculator', { expression: '1 + 1' });
const wait = call('wait_for_tasks');
/** In a lead's step. The lead is told of its child's end meanwhile. */
const told = async (pair: Pair) =>
  (await logOf(rig, pair.lead.id)).filter(({ type }) => type === 'child.completed').length;

describe('the end of a child is in one place', () => {
  it('B6 read, where it comes before the last step begins', async () => {
    const held = gate();
    const turns = [[{ gate: held }, calculate], [{ say: 'Dry.' }]];
    const pair = await openPair(rig, cast, { turns });
    await within(held.reached, () => 'the step before the last');
    await tellLead(rig, pair);
    held.open();
    await rig.untilStatus(pair.lead.id, 'COMPLETED');
    expect(await placesOf(rig, pair)).toEqual(READ);
  });

  it('B6 a result, where it comes while the last step streams', async () => {
    const { turn, held } = lastAnswer();
    const pair = await openPair(rig, cast, { turns: [turn] });
    await within(held.reached, () => 'the last step');
    await tellLead(rig, pair);
    held.open();
    await rig.untilStatus(pair.lead.id, 'COMPLETED');
    expect(await placesOf(rig, pair)).toEqual(CLAIMED);
  });

  it.each(['before', 'after'] as const)(
    'B6 a result, where it comes when the last answer is sealed, %s that is stored',
    async (when) => {
      const { turn, held } = lastAnswer();
      const pair = await openPair(rig, cast, { turns: [turn] });
      const storing = gate();
      const at = when === 'before' ? stops.beforeFinish : stops.afterFinish;
      at.set(pair.lead.id, storing);
      held.open();
      await within(storing.reached, () => 'the end to be stored');
      await endUntold(rig, pair);
      storing.open();
      await rig.untilStatus(pair.lead.id, 'COMPLETED');
      expect(await placesOf(rig, pair)).toEqual(CLAIMED);
      expect(await entriesOf(rig, pair.lead.id, 'child.completed')).toEqual([]);
    },
  );

  it('I9 a result, where its parent has ended, and where that is forgotten', async () => {
    for (const forget of [false, true]) {
      const pair = await openPair(rig, cast, { turns: [[{ say: 'I do not care.' }]] });
      await rig.untilStatus(pair.lead.id, 'COMPLETED');
      const path = `/v1/tasks/${pair.lead.id}`;
      if (forget) expect((await rig.request('DELETE', path)).status).toBe(204);
      expect((await rig.get(pair.child.id)).status).toBe('RUNNING');
      await endUntold(rig, pair);
      expect(await placesOf(rig, pair)).toEqual(CLAIMED);
    }
  });
});

describe('where the parent does not reach an answer, the end of its child is', () => {
  const cancelled = async (pair: Pair) => {
    const receipt = await rig.cancel(pair.lead.id, { scope: 'task', ...PATIENT });
    expect(receipt).toMatchObject({ outcome: 'cancelled' });
  };

  it('B6 read by the step that is cancelled', async () => {
    const pair = await openPair(rig, cast, { turns: [[wait], [{ say: 'So' }, { stall: true }]] });
    await tellLead(rig, pair);
    await rig.model.arrived(pair.key, 3);
    await cancelled(pair);
    expect(await placesOf(rig, pair)).toEqual(READ);
  });

  it('I9 a result, where the step that is cancelled had begun before', async () => {
    const pair = await openPair(rig, cast, { turns: [[{ say: 'So' }, { stall: true }]] });
    await rig.model.arrived(pair.key, 2);
    await tellLead(rig, pair);
    await cancelled(pair);
    expect(await placesOf(rig, pair)).toEqual(CLAIMED);
  });

  it.each([true, false])(
    'I9 a result, where the parent was cancelled while it waited, background %s',
    async (background) => {
      const turns = background ? [[wait]] : [];
      const pair = await openPair(rig, cast, { turns, background });
      if (background) await rig.model.closed(pair.key, 2);
      await cancelled(pair);
      await endUntold(rig, pair);
      expect(await placesOf(rig, pair)).toEqual(CLAIMED);
    },
  );

  it('B6 read by the step that fails', async () => {
    const refused = [{ status: 400, body: { error: { message: 'no more' } } }];
    const pair = await openPair(rig, cast, { turns: [[wait], refused] });
    await tellLead(rig, pair);
    expect((await rig.untilEnd(pair.lead.id)).failure?.code).toBe('model_error');
    expect(await placesOf(rig, pair)).toEqual(READ);
  });

  it('I9 a result, where it comes in the last step that the parent may have, or after its time', async () => {
    const held = gate();
    const turns = [[{ gate: held }, calculate]];
    const spent = await openPair(rig, cast, { turns, max_steps: 2 });
    await within(held.reached, () => 'the last step');
    await tellLead(rig, spent);
    expect(await told(spent)).toBe(1);
    held.open();
    expect((await rig.untilEnd(spent.lead.id)).failure?.code).toBe('max_steps_exceeded');
    expect(await placesOf(rig, spent)).toEqual(CLAIMED);

    const late = await openPair(rig, cast, { turns: [[wait]], timeout_seconds: 1 });
    expect((await rig.untilEnd(late.lead.id)).failure?.code).toBe('timed_out');
    await endUntold(rig, late);
    expect(await placesOf(rig, late)).toEqual(CLAIMED);
  });
});
