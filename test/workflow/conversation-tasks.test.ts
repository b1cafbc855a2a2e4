import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Receipt } from '../../contract/wire.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { PATIENT, untilClosed } from './cancelled-run.ts';
import { conversationRuns, HALF, WHOLE } from './conversation-runs.ts';

let rig: Rig;
const { held, start, post, claim, promptOf, contentsOf } = conversationRuns(() => rig);

describe('detached tasks', () => {
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const done = (id: string) => [id, 'COMPLETED', { text: WHOLE }];

  it('B1 B2 B3 are delivered once, when they have ended, while others run on', async () => {
    const conversation_id = newId('conv');
    const turn = await held(conversation_id);
    const [one, two] = [
      await held(conversation_id, { detached: true }),
      await held(conversation_id, { detached: true }),
    ];
    expect(await claim(conversation_id, 'poll 1')).toEqual([]);
    one.finish();
    await rig.untilStatus(one.id, 'COMPLETED');
    expect(await claim(conversation_id, 'poll 2')).toEqual([done(one.id)]);
    expect(await claim(conversation_id, 'poll 3')).toEqual([]);
    two.finish();
    await rig.untilStatus(two.id, 'COMPLETED');
    expect(await claim(conversation_id, 'poll 4')).toEqual([done(two.id)]);
    expect(await claim(conversation_id, 'poll 5')).toEqual([]);
    expect(await contentsOf(conversation_id)).toEqual(['What is it?']);
    turn.finish();
    await rig.untilStatus(turn.id, 'COMPLETED');
    expect(await claim(conversation_id, 'poll 6')).toEqual([]);
  });

  it('B4 are delivered again under the same claim, should its answer get lost, and only under it', async () => {
    const conversation_id = newId('conv');
    const { id, finish } = await held(conversation_id, { detached: true });
    const late = await held(conversation_id, { detached: true });
    finish();
    await rig.untilStatus(id, 'COMPLETED');
    await post(conversation_id, 'results/claim', { claim_id: 'lost' });
    expect(await claim(conversation_id, 'another')).toEqual([]);
    late.finish();
    await rig.untilStatus(late.id, 'COMPLETED');
    expect(await claim(conversation_id, 'lost')).toEqual([done(id)]);
    expect(await claim(conversation_id, 'another')).toEqual([done(late.id)]);
  });

  it('M5 are forgotten once they are delivered, with the ended tasks of the conversation and their workflows', async () => {
    const conversation_id = newId('conv');
    const ended = await start(conversation_id);
    await rig.untilStatus(ended.id, 'COMPLETED');
    const due = await start(conversation_id, { detached: true });
    await rig.untilStatus(due.id, 'COMPLETED');
    for (const { id } of [ended, due]) await untilClosed(rig, id, 'COMPLETED');
    const running = await held(conversation_id);
    const path = `/v1/conversations/${conversation_id}/tasks?state=terminal`;
    const forget = async () => (await rig.request<{ removed: number }>('DELETE', path)).body;
    expect(await forget()).toEqual({ removed: 1 });
    await expect(rig.get(ended.id)).resolves.toMatchObject({ error: { code: 'task_not_found' } });
    expect(await claim(conversation_id, 'first')).toMatchObject([[due.id, 'COMPLETED', {}]]);
    expect(await forget()).toEqual({ removed: 1 });
    await eventually(
      () =>
        rig.workflowStatus(ended.id).then(
          () => false,
          () => true,
        ),
      'Temporal to forget the workflow',
    );
    expect((await rig.get(running.id)).status).toBe('RUNNING');
    expect(await contentsOf(conversation_id)).toEqual(['And then?', 'Noted.', 'What is it?']);
    running.finish();
    await rig.untilStatus(running.id, 'COMPLETED');
  });
});

describe.each(RELAY_MOODS)('going on and cancelling, relay %s', (relay) => {
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it.each(['in a conversation', 'without one'])(
    'R6 keeps or discards the partial of the task that one goes on from, %s',
    async (where) => {
      const conversation_id = where === 'without one' ? undefined : newId('conv');
      const { model } = rig.script([{ say: HALF }, { stall: true }]);
      const first = await rig.start({
        input: 'What is it?',
        model,
        ...(conversation_id && { conversation_id }),
      });
      const reader = await rig.read(first.id);
      await reader.untilTrue(() => reader.screen.text(1) === HALF);
      await rig.cancel(first.id, PATIENT);
      const goOn = async (task_id: string, partial: 'keep' | 'discard') => {
        const { model, key } = rig.script([{ say: `Done: ${partial}.` }]);
        const continue_from = { task_id, partial };
        const { id } = await rig.start({ input: 'Go on.', model, continue_from });
        expect(await rig.untilStatus(id, 'COMPLETED')).toMatchObject({
          conversation_id: conversation_id ?? null,
        });
        return { id, prompt: promptOf(key) };
      };
      const kept = await goOn(first.id, 'keep');
      expect(kept.prompt).toEqual(['What is it?', `${HALF}\n[interrupted]`, 'Go on.']);
      const discarded = await goOn(first.id, 'discard');
      const between = conversation_id ? ['Go on.', 'Done: keep.'] : [];
      expect(discarded.prompt).toEqual(['What is it?', ...between, 'Go on.']);
      const chained = await goOn(kept.id, 'keep');
      expect(chained.prompt?.slice(-3)).toEqual(
        conversation_id
          ? ['Go on.', 'Done: discard.', 'Go on.']
          : ['Go on.', 'Done: keep.', 'Go on.'],
      );
    },
  );

  it('C13 stops all tasks of a conversation, and no other, and counts them', async () => {
    const conversation_id = newId('conv');
    const running = await held(conversation_id);
    const beside = await held(conversation_id, { detached: true });
    const queued = await start(conversation_id, { turns: [] });
    const other = await held(newId('conv'));
    const { status, body } = await post<{ cancelled: number; receipts: Receipt[] }>(
      conversation_id,
      'cancel',
      { reason: 'enough', ...PATIENT },
    );
    expect([status, body.cancelled]).toEqual([200, 3]);
    expect(body.receipts.map(({ task_id, outcome }) => [task_id, outcome])).toEqual(
      [running, beside, queued].map(({ id }) => [id, 'cancelled']),
    );
    for (const { id } of [running, beside, queued]) {
      expect((await rig.get(id)).failure).toEqual({
        code: 'cancelled',
        message: 'The task was cancelled: enough',
      });
    }
    for (const { key } of [running, beside]) expect(await rig.model.closed(key, 1)).toBe('client');
    expect(rig.model.calls(queued.key)).toBe(0);
    expect((await rig.get(other.id)).status).toBe('RUNNING');
    const again = await post(conversation_id, 'cancel', {});
    expect(again).toMatchObject({ status: 200, body: { cancelled: 0, receipts: [] } });
    other.finish();
    await rig.untilStatus(other.id, 'COMPLETED');
  });
});
