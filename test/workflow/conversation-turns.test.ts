import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Message } from '../../contract/task.ts';
import type { Store } from '../../store/store.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { PATIENT } from './cancelled-run.ts';
import { conversationRuns, HALF, hasty, WHOLE } from './conversation-runs.ts';
import { expectLeft } from './left-behind.ts';

let rig: Rig;
const { held, start, promptOf, contentsOf, untilActive } = conversationRuns(() => rig);

describe('turns in a conversation', () => {
  beforeAll(async () => {
    rig = await openRig({ wrapStore: hasty });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('runs a burst of twenty starts one after another, in their order, each with all that came before', async () => {
    const conversation_id = newId('conv');
    const inputs = Array.from({ length: 20 }, (_, n) => `question ${n}`);
    const { model, key } = rig.script(...inputs.map((_, n): Turn => [{ say: `answer ${n}` }]));
    const tasks = await Promise.all(
      inputs.map((input) => rig.start({ input, model, conversation_id })),
    );
    for (const { id } of tasks) await rig.untilStatus(id, 'COMPLETED');
    const ordered = (await rig.messages(conversation_id)).filter(({ role }) => role === 'user');
    const asked = rig.model.requests(key).map(({ body }) => body.messages.at(-1)?.content);
    expect(asked).toEqual(ordered.map(({ content }) => content));
    expect(asked.toSorted()).toEqual(inputs.toSorted());
    const prompts = rig.model.requests(key).map(({ body }) => body.messages.length);
    expect(prompts).toEqual(inputs.map((_, n) => 2 + 2 * n));
  });

  it('keeps a queued task PENDING, without a workflow, until the one before it has ended', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const { id, key } = await start(conversation_id);
    expect(await rig.get(id)).toMatchObject({ status: 'PENDING', started_at: null });
    await expect(rig.workflowStatus(id)).rejects.toThrow(WorkflowNotFoundError);
    const reader = await rig.read(id);
    first.finish();
    await expectLeft(rig, id, { text: 'Noted.', code: null, reader });
    expect(promptOf(key)).toEqual(['What is it?', WHOLE, 'And then?']);
    const query = `HoldfastConversation = '${conversation_id}'`;
    await eventually(async () => (await rig.client.workflow.count(query)).count === 2, 'two runs');
  });

  it('starts the next task after a failure, a cancel and a termination too', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const failing = await start(conversation_id, { turns: [[{ status: 400 }]] });
    const waiting = gate();
    const ending = await start(conversation_id, { turns: [[{ gate: waiting }]] });
    const skipped = await start(conversation_id, { turns: [] });
    const last = await start(conversation_id);
    expect((await rig.cancel(skipped.id)).outcome).toBe('cancelled');
    await rig.cancel(first.id, PATIENT);
    expect((await rig.untilEnd(failing.id)).failure?.code).toBe('model_error');
    await waiting.reached;
    await rig.client.workflow.getHandle(ending.id).terminate();
    await rig.untilStatus(last.id, 'COMPLETED');
    expect((await rig.get(ending.id)).failure?.code).toBe('terminated');
    expect(rig.model.calls(skipped.key)).toBe(0);
  });

  it('starts the next task when one that had not begun is cancelled', async () => {
    const conversation_id = newId('conv');
    await rig.stopWorkers();
    const first = await start(conversation_id, { turns: [] });
    const second = await start(conversation_id);
    expect((await rig.cancel(first.id)).outcome).toBe('cancelled');
    await eventually(() => rig.workflowStatus(second.id).catch(() => null), 'the second to start');
    await rig.startWorker();
    await rig.untilStatus(second.id, 'COMPLETED');
    expect(rig.model.calls(first.key)).toBe(0);
  });

  it('interrupt cancels what runs, keeps its partial and goes ahead of the queue', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const queued = await start(conversation_id, { input: 'Later.' });
    const urgent = await start(conversation_id, { input: 'Now!', on_busy: 'interrupt' });
    await rig.untilStatus(queued.id, 'COMPLETED');
    expect(await rig.get(first.id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'cancelled', message: expect.stringContaining(urgent.id) },
      partial_output: HALF,
    });
    expect(await rig.model.closed(first.key, 1)).toBe('client');
    const interrupted = `${HALF}\n[interrupted]`;
    expect(promptOf(urgent.key)).toEqual(['What is it?', interrupted, 'Now!']);
    expect(promptOf(queued.key)).toEqual([
      ...['What is it?', interrupted],
      ...['Now!', 'Noted.', 'Later.'],
    ]);
    expect(await contentsOf(conversation_id)).toEqual([
      ...['What is it?', HALF, 'Now!', 'Noted.'],
      ...['Later.', 'Noted.'],
    ]);
  });

  it('rollback cancels what runs and drops its messages, which are kept; one that has completed stays', async () => {
    const conversation_id = newId('conv');
    const before = await start(conversation_id, { input: 'First.' });
    await rig.untilStatus(before.id, 'COMPLETED');
    const first = await held(conversation_id);
    const { id, key } = await start(conversation_id, { input: 'Again.', on_busy: 'rollback' });
    await rig.untilStatus(id, 'COMPLETED');
    expect(await rig.get(first.id)).toMatchObject({ status: 'FAILED', partial_output: HALF });
    expect(promptOf(key)).toEqual(['First.', 'Noted.', 'Again.']);
    expect(await contentsOf(conversation_id)).toEqual(['First.', 'Noted.', 'Again.', 'Noted.']);
    const path = `/v1/conversations/${conversation_id}/messages?rolled_back=true`;
    const { data } = (await rig.request<{ data: Message[] }>('GET', path)).body;
    const dropped = data.filter(({ rolled_back }) => rolled_back);
    expect(dropped.map(({ content }) => content)).toEqual(['What is it?', HALF]);
  });

  it('a burst of interrupts leaves one of them', async () => {
    const conversation_id = newId('conv');
    await held(conversation_id);
    const waits = gate();
    const answer: Turn = [{ gate: waits }, { say: 'Noted.' }];
    const { model } = rig.script(...Array<Turn>(5).fill(answer));
    const tasks = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        rig.start({ input: `${n}`, model, conversation_id, on_busy: 'interrupt' }),
      ),
    );
    waits.open();
    const ends = await Promise.all(tasks.map(({ id }) => rig.untilEnd(id)));
    expect(ends.map(({ failure }) => failure?.code ?? 'none').toSorted()).toEqual([
      ...Array<string>(4).fill('cancelled'),
      'none',
    ]);
  });

  it('reject refuses while a task has not ended', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const body = { input: 'And then?', conversation_id, on_busy: 'reject' };
    expect(await rig.request('POST', '/v1/tasks', body)).toMatchObject({
      status: 409,
      body: { error: { code: 'conversation_busy' } },
    });
    first.finish();
    await rig.untilStatus(first.id, 'COMPLETED');
    await rig.untilStatus((await start(conversation_id, { on_busy: 'reject' })).id, 'COMPLETED');
  });

  it('M4 tells what is active in a conversation from the start of its tasks to their end', async () => {
    const conversation_id = newId('conv');
    await untilActive(conversation_id, []);
    const first = await held(conversation_id);
    const second = await held(newId('conv'));
    await untilActive(conversation_id, [first.id]);
    const queued = await start(conversation_id);
    await untilActive(conversation_id, [first.id, queued.id]);
    first.finish();
    await rig.untilStatus(queued.id, 'COMPLETED');
    await untilActive(conversation_id, []);
    second.finish();
    await rig.untilStatus(second.id, 'COMPLETED');
  });
});

describe('a start that follows an end and is lost', () => {
  /** The API and the worker never learn who is next: as if they died right after the commit. */
  function wrapStore(store: Store): Store {
    return {
      ...store,
      finishTask: async (request) => ({ ...(await store.finishTask(request)), next: null }),
    };
  }
  beforeAll(async () => {
    rig = await openRig({ wrapStore });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('is made up for by the reconciler', async () => {
    const conversation_id = newId('conv');
    const first = await held(conversation_id);
    const { id } = await start(conversation_id);
    first.finish();
    await rig.untilStatus(id, 'COMPLETED');
  });
});
