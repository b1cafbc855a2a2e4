import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { newId } from '../../api/ids.ts';
import type { Receipt, Taken, Task } from '../../contract/wire.ts';
import type { Turn } from '../support/model-server.ts';
import { openRig, type Answer, type Rig } from '../support/rig.ts';
import { createStoreFaults, type StoreMethod } from '../support/store-faults.ts';
import { eventually } from '../support/within.ts';
import { expectCancelled, PATIENT } from './cancelled-run.ts';
import { conversationRuns, HALF, hasty, WHOLE } from './conversation-runs.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const turnPage = defineTool({
  name: 'turn_page',
  description: 'Turns a page.',
  parameters: z.object({}),
  run: () => Promise.resolve('turned'),
});

const faults = createStoreFaults();
let rig: Rig;
const { held, start, post, claim, promptOf, contentsOf } = conversationRuns(() => rig);
beforeAll(async () => {
  const wrapStore: typeof hasty = (store) => hasty(faults.wrap(store));
  rig = await openRig({ tools: [turnPage], wrapStore, defaults: { maxHistoryEvents: 25 } });
});
beforeEach(() => faults.heal());
afterAll(() => rig[Symbol.asyncDispose]());

/** Asks while the store carries the method out and reports failure, then again. */
async function askTwice<T>(method: StoreMethod, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
  faults.deny(method, 1);
  const lost = await ask();
  expect([lost.status, lost.body]).toMatchObject([503, { error: { code: 'store_unavailable' } }]);
  expect(faults.hits(method)).toBe(1);
  return ask();
}

const tasksOf = async (conversation_id: string) =>
  (await rig.request<{ data: Task[] }>('GET', `/v1/tasks?conversation_id=${conversation_id}`)).body
    .data;

describe('a start that is stored and reported as failed', () => {
  it('M7 T8 is one task under its Idempotency-Key, which runs once', async () => {
    const { model, key } = rig.script([{ say: WHOLE }]);
    const conversation_id = newId('conv');
    const body = { input: 'What is it?', model, conversation_id };
    const headers = { 'Idempotency-Key': randomUUID() };
    const again = await askTwice('acceptTask', () =>
      rig.request<Task>('POST', '/v1/tasks', body, headers),
    );
    expect(again.status).toBe(200);
    await expectLeft(rig, again.body.id, { text: WHOLE, code: null });
    expect((await tasksOf(conversation_id)).map(({ id }) => id)).toEqual([again.body.id]);
    expect(rig.model.calls(key)).toBe(1);
  });

  it('M7 runs though nobody asks again, and what it interrupts is stopped', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const { model } = rig.script([{ say: 'Noted.' }]);
    const body = { input: 'Now!', model, conversation_id, on_busy: 'interrupt' };
    faults.deny('acceptTask', 1);
    expect((await rig.request('POST', '/v1/tasks', body)).status).toBe(503);
    const { id } = (await tasksOf(conversation_id))[0]!;
    await expectCancelled(rig, first.id, { partial: HALF, reason: `interrupted by ${id}` });
    await expectLeft(rig, id, { text: 'Noted.', code: null });
    expect(await contentsOf(conversation_id)).toEqual(['What is it?', HALF, 'Now!', 'Noted.']);
  });

  it('M7 is one task of a message for after a run', async () => {
    const conversation_id = newId('conv');
    const first = await start(conversation_id, {
      turns: [[{ say: 'Noted.' }], [{ say: 'Done.' }]],
    });
    await rig.untilEnd(first.id);
    const headers = { 'Idempotency-Key': randomUUID() };
    const path = `/v1/tasks/${first.id}/messages`;
    const again = await askTwice('acceptTask', () =>
      rig.request<Taken>('POST', path, { text: 'More.', mode: 'after_run' }, headers),
    );
    await expectLeft(rig, again.body.task_id, { text: 'Done.', code: null });
    expect(await contentsOf(conversation_id)).toEqual(['And then?', 'Noted.', 'More.', 'Done.']);
  });
});

describe('what a run stores on its way, reported as failed', () => {
  it.each([2, 5])('M7 begins once, after %i lost answers', async (times) => {
    faults.deny('beginTask', times);
    const { id, key } = await start(newId('conv'));
    await expectLeft(rig, id, { text: 'Noted.', code: null });
    expect([faults.hits('beginTask'), rig.model.calls(key)]).toEqual([times, 1]);
    const types = (await archiveOf(rig, id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'task.started')).toHaveLength(1);
  });

  it.each(['refuse', 'deny'] as const)(
    'M7 continues as new once its log is stored: the store may %s, and the log has no hole',
    async (fault) => {
      const turning = (n: number): Turn => [
        { call: { id: `c${n}`, name: 'turn_page', arguments: {} } },
      ];
      const turns = Array.from({ length: 6 }, (_, n) => turning(n));
      const { model, key } = rig.script(...turns, [{ say: WHOLE }]);
      faults[fault]('appendLog', 3);
      const { id } = await rig.start({ input: 'Read.', model });
      const reader = await rig.read(id);
      await eventually(async () => (await rig.get(id)).live?.persistence_error, 'it to say so');
      await expectLeft(rig, id, { text: WHOLE, code: null, reader });
      expect([faults.hits('appendLog'), rig.model.calls(key)]).toEqual([3, 7]);
      const types = (await archiveOf(rig, id)).map(({ type }) => type);
      expect(types).toContain('task.continued');
    },
  );

  it('M7 hands its turn on, though it ends twice for its worker', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const second = await start(conversation_id);
    faults.deny('finishTask', 1);
    first.finish();
    await expectLeft(rig, first.id, { text: WHOLE, code: null });
    await expectLeft(rig, second.id, { text: 'Noted.', code: null });
    expect(promptOf(second.key)).toEqual(['What is it?', WHOLE, 'And then?']);
  });
});

describe('a cancel that is stored and reported as failed', () => {
  it('M7 stops the run though nobody asks again', async () => {
    const conversation = newId('conv');
    const { id, key } = await held(conversation);
    const reader = await rig.read(id);
    faults.deny('requestTreeCancel', 1);
    const lost = await rig.request('POST', `/v1/tasks/${id}/cancel`, { reason: 'enough' });
    expect([lost.status, lost.body.error.code]).toEqual([503, 'store_unavailable']);
    await expectCancelled(rig, id, { partial: HALF, reason: 'enough', conversation, reader });
    expect(await rig.model.closed(key, 1)).toBe('client');
  });

  it('M7 is the same cancel when it is asked for again', async () => {
    const { id } = await held(newId('conv'));
    const bodies = [
      { reason: 'first', scope: 'task', ...PATIENT },
      { reason: 'again', ...PATIENT },
    ];
    const again = await askTwice('requestCancel', () =>
      rig.request<Receipt>('POST', `/v1/tasks/${id}/cancel`, bodies.shift()),
    );
    expect(again.body).toMatchObject({ outcome: 'cancelled', partial_output: HALF });
    await expectCancelled(rig, id, { partial: HALF, reason: 'first' });
  });

  it('M7 ends a task that has not begun, for its readers too, and its turn goes on', async () => {
    const conversation_id = newId('conv');
    await rig.stopWorkers();
    const first = await start(conversation_id, { turns: [] });
    const second = await start(conversation_id);
    const reader = await rig.read(first.id);
    faults.deny('requestTreeCancel', 1);
    expect((await rig.request('POST', `/v1/tasks/${first.id}/cancel`, {})).status).toBe(503);
    await reader.ended;
    expect((await rig.get(first.id)).failure?.code).toBe('cancelled');
    await rig.startWorker();
    await expectLeft(rig, second.id, { text: 'Noted.', code: null });
    expect(rig.model.calls(first.key)).toBe(0);
  });

  it('M7 reaches all that is below a task, and all of a conversation', async () => {
    const conversation_id = newId('conv');
    const root = await held(conversation_id);
    const child = await held(newId('conv'), { parent: { task_id: root.id } });
    faults.deny('requestCancel', 1);
    await rig.request('POST', `/v1/tasks/${root.id}/cancel`, { wait_ms: 0 });
    for (const { id } of [root, child]) {
      expect((await rig.untilEnd(id)).failure?.code).toBe('cancelled');
    }
    const other = await held(conversation_id);
    const queued = await start(conversation_id, { turns: [] });
    faults.deny('cancelConversation', 1);
    expect((await post(conversation_id, 'cancel', {})).status).toBe(503);
    for (const { id } of [other, queued]) {
      expect((await rig.untilEnd(id)).failure?.code).toBe('cancelled');
    }
  });
});

describe('a claim that is stored and reported as failed', () => {
  it('B4 M7 gives its results under the same claim_id, and under no other', async () => {
    const conversation_id = newId('conv');
    const { id } = await start(conversation_id, { detached: true });
    await rig.untilEnd(id);
    const due = [[id, 'COMPLETED', { text: 'Noted.' }]];
    faults.deny('claimResults', 1);
    const lost = await post(conversation_id, 'results/claim', { claim_id: 'mine' });
    expect(lost.status).toBe(503);
    expect(await claim(conversation_id, 'another')).toEqual([]);
    expect(await claim(conversation_id, 'mine')).toEqual(due);
  });
});
