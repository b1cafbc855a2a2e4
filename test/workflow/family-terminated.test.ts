import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { call, createCast, entriesOf } from './family.ts';
import {
  CLAIMED,
  endUntold,
  openPair,
  placesOf,
  READ,
  tellLead,
  type Pair,
} from './family-ends.ts';
import { createHeldFlushes } from './held-flushes.ts';

const calculate = call('calculator', { expression: '1 + 1' });
const stalling = [{ say: 'So' }, { stall: true }] as const;

const flushes = createHeldFlushes();
const { wrapStore } = flushes;

describe.each([
  { which: 'in one workflow run', maxHistoryEvents: 4_000 },
  { which: 'in a workflow run per step', maxHistoryEvents: 10 },
])('a parent that an operator terminates, $which', ({ maxHistoryEvents }) => {
  const cast = createCast(['one', 'two', 'three']);
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ agents: cast.agents, wrapStore, defaults: { maxHistoryEvents } });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** The step that is under way when the parent is terminated has read the end. */
  async function read(): Promise<Pair> {
    const held = gate();
    const turns = [[{ gate: held }, calculate], stalling];
    const pair = await openPair(rig, cast, { turns, who: 'one' });
    await within(held.reached, () => 'the step before');
    await tellLead(rig, pair);
    held.open();
    await within(rig.model.arrived(pair.key, 3), () => 'the step that reads');
    return pair;
  }

  /** That step had begun before. */
  async function unread(): Promise<Pair> {
    const pair = await openPair(rig, cast, { turns: [[calculate], stalling], who: 'two' });
    await within(rig.model.arrived(pair.key, 3), () => 'the last step');
    await tellLead(rig, pair);
    return pair;
  }

  async function running(): Promise<Pair> {
    const pair = await openPair(rig, cast, { turns: [stalling], who: 'three' });
    await within(rig.model.arrived(pair.key, 2), () => 'the last step');
    return pair;
  }

  it('I9 B6 leaves each end of its children in one place: read, unread and still to come', async () => {
    const pairs = [await read(), await unread(), await running()] as const;
    for (const { lead } of pairs)
      await rig.client.workflow.getHandle(lead.id).terminate('an operator wants it');
    for (const { lead } of pairs)
      expect(await rig.untilEnd(lead.id)).toMatchObject({ failure: { code: 'terminated' } });
    await endUntold(rig, pairs[2]);
    const places = await Promise.all(pairs.map((pair) => placesOf(rig, pair)));
    expect(places).toEqual([READ, CLAIMED, CLAIMED]);
    const parts = await entriesOf(rig, pairs[0].lead.id, 'task.continued');
    expect(parts.length).toBe(maxHistoryEvents > 10 ? 0 : 2);
  });
});

describe('a parent that continues as new', () => {
  const cast = createCast(['worker']);
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ agents: cast.agents, wrapStore, defaults: { maxHistoryEvents: 10 } });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** A lead whose log is stored to continue as new. Its child's end came before or comes meanwhile. */
  async function aboutToContinue(when: 'before' | 'meanwhile') {
    const held = gate();
    const turns = [[{ gate: held }, calculate], [{ say: 'Dry.' }]];
    const pair = await openPair(rig, cast, { turns });
    await within(held.reached, () => 'the second step');
    if (when === 'before') await tellLead(rig, pair);
    const flush = flushes.hold(pair.lead.id);
    held.open();
    await within(flush.reached, () => 'the log to be stored');
    if (when === 'meanwhile') await tellLead(rig, pair);
    return { pair, flush };
  }

  it.each(['before', 'meanwhile'] as const)(
    'B6 reads the end of a child that came %s in the step after',
    async (when) => {
      const { pair, flush } = await aboutToContinue(when);
      flush.open();
      await rig.untilStatus(pair.lead.id, 'COMPLETED');
      expect(await placesOf(rig, pair)).toEqual(READ);
      expect(await entriesOf(rig, pair.lead.id, 'child.completed')).toHaveLength(1);
    },
  );

  it('I9 leaves an end that was stored with its log, and not read, to the results', async () => {
    const { pair, flush } = await aboutToContinue('before');
    await rig.client.workflow.getHandle(pair.lead.id).terminate('an operator wants it');
    flush.open();
    expect((await rig.untilEnd(pair.lead.id)).failure?.code).toBe('terminated');
    expect(await placesOf(rig, pair)).toEqual(CLAIMED);
  });
});
