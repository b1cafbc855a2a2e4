import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import type { ErrorBody, Taken, Task } from '../../contract/wire.ts';
import { createStore } from '../../store/create-store.ts';
import { TREE_LIMITS } from '../../store/tree.ts';
import type { Database } from '../../store/database.ts';
import { openPgliteMemory } from '../../store/pglite.ts';
import { gate } from '../support/model-server.ts';
import { openRig, type Answer, type Rig, type StartBody } from '../support/rig.ts';
import { acceptOnly, PATIENT } from './cancelled-run.ts';
import { conversationRuns, HALF, WHOLE } from './conversation-runs.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

let database: Database;
let rig: Rig;
const { start, post, contentsOf } = conversationRuns(() => rig);
beforeAll(async () => {
  database = await openPgliteMemory();
  rig = await openRig({ wrapStore: () => createStore(database, { ...TREE_LIMITS, maxActive: 2 }) });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

type Sent = Answer<Taken & ErrorBody>;
const send = (id: string, body: object, headers?: Record<string, string>): Promise<Sent> =>
  rig.request('POST', `/v1/tasks/${id}/messages`, { mode: 'after_run', ...body }, headers);

/** Writes for after the run of a task, and gives the task that was started for it. */
async function followed(id: string, text: string, headers?: Record<string, string>): Promise<Task> {
  const { status, body, headers: got } = await send(id, { text }, headers);
  expect([status, body.seq], JSON.stringify(body)).toEqual([202, 1]);
  expect(got.get('location')).toBe(`/v1/tasks/${body.task_id}`);
  return rig.get(body.task_id);
}

/** A task that its model holds in mid-answer; the same model then answers `Noted.` to each that follows it. */
async function heldBefore(followers: number, body: Partial<StartBody> = {}) {
  const waits = gate();
  const { model, key } = rig.script(
    [{ say: HALF }, { gate: waits }, { say: WHOLE.slice(HALF.length) }],
    ...Array.from({ length: followers }, () => [{ say: 'Noted.' }]),
  );
  const conversation_id = newId('conv');
  const { id } = await rig.start({ input: 'What is it?', model, conversation_id, ...body });
  await waits.reached;
  return { id, key, conversation_id, finish: waits.open };
}

const refusalOf = ({ status, body }: Sent) => [status, body.error.code];

describe('a message for after a run', () => {
  it('N8 is no message to the run: a task of its own reads it behind the answer', async () => {
    const { id, key, conversation_id, finish } = await heldBefore(1);
    const next = await followed(id, 'And then?');
    expect(next).toMatchObject({ status: 'PENDING', input: 'And then?', conversation_id });
    finish();
    await expectLeft(rig, id, { text: WHOLE, code: null });
    await expectLeft(rig, next.id, { text: 'Noted.', code: null });
    expect((await archiveOf(rig, id)).map(({ type }) => type)).not.toContain('task.message');
    expect((await archiveOf(rig, next.id))[0]?.data).toMatchObject({ input: 'And then?' });
    const prompts = rig.model.requests(key).map(({ body }) => body.messages.slice(1));
    expect(prompts.map((prompt) => prompt.map(({ content }) => content))).toEqual([
      ['What is it?'],
      ['What is it?', WHOLE, 'And then?'],
    ]);
  });

  it('is enqueued behind what waits, also of a task that waits itself, with or without a worker', async () => {
    const held = gate();
    const { model } = rig.script([{ gate: held }], [{ say: WHOLE }], [{ say: 'Noted.' }]);
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'What is it?', model, conversation_id });
    await held.reached;
    const queued = await start(conversation_id, {
      turns: [[{ say: 'Noted.' }], [{ say: 'Yes.' }]],
    });
    await rig.stopWorkers();
    await followed(id, 'one');
    const last = await followed(queued.id, 'two');
    await rig.startWorker();
    await expectLeft(rig, last.id, { text: 'Yes.', code: null });
    expect(await contentsOf(conversation_id)).toEqual([
      ...['What is it?', WHOLE, 'And then?', 'Noted.'],
      ...['one', 'Noted.', 'two', 'Yes.'],
    ]);
  });

  it('N6 is for a task that has ended, too, where any other is refused', async () => {
    const conversation_id = newId('conv');
    const first = await start(conversation_id, { turns: [[{ say: 'Noted.' }], [{ say: 'Yes.' }]] });
    await rig.untilEnd(first.id);
    const late = await send(first.id, { text: 'Wait!', mode: 'next_step' });
    expect(refusalOf(late)).toEqual([409, 'task_terminated']);
    await expectLeft(rig, (await followed(first.id, 'And?')).id, { text: 'Yes.', code: null });
  });

  it('outlives a cancel of the task, and reads what is left of that', async () => {
    const { id, key, finish } = await heldBefore(1);
    const next = await followed(id, 'Anyway.');
    await rig.cancel(id, PATIENT);
    finish();
    await expectLeft(rig, next.id, { text: 'Noted.', code: null });
    const [, prompt] = rig.model.requests(key).map(({ body }) => body.messages.slice(1));
    expect(prompt?.map(({ content }) => content)).toEqual([
      ...['What is it?', `${HALF}\n[interrupted]`, 'Anyway.'],
    ]);
  });

  it('is stopped with all tasks of the conversation', async () => {
    const { id, key, conversation_id } = await heldBefore(0);
    const next = await followed(id, 'And then?');
    const { body } = await post<{ cancelled: number }>(conversation_id, 'cancel', PATIENT);
    expect(body.cancelled).toBe(2);
    expect((await rig.get(next.id)).failure?.code).toBe('cancelled');
    expect(rig.model.calls(key)).toBe(1);
  });

  it('starts a task like the one that it follows, told who writes', async () => {
    const metadata = { team: 'a' };
    const own = { instructions: 'Be brief.', metadata, name: 'first', description: 'The first.' };
    const { id, key, finish } = await heldBefore(1, { ...own, timeout_seconds: 60, max_steps: 2 });
    const client = createHoldfastClient({ baseUrl: rig.url });
    const request = { text: '', from: 'the boss', mode: 'after_run' } as const;
    const { task_id } = await client.message(id, request);
    finish();
    expect(await rig.untilEnd(task_id)).toMatchObject({
      ...{ input: 'Message from the boss:\n', metadata, name: null, description: null },
    });
    expect(rig.model.requests(key)[1]?.body.messages[0]?.content).toBe('Be brief.');
    expect((await rig.store.getTask(task_id))?.limits).toEqual({
      timeout_seconds: 60,
      max_steps: 2,
    });
  });
});

describe('a message for after a run that is sent again', () => {
  it('starts one task under its idempotency key; the key is that of no other request', async () => {
    const { id, conversation_id, finish } = await heldBefore(1);
    const key = { 'Idempotency-Key': randomUUID() };
    const next = await Promise.all(Array.from({ length: 8 }, () => followed(id, 'once', key)));
    expect(new Set(next.map((task) => task.id)).size).toBe(1);
    const again = next[0]!;
    const others: Promise<Sent>[] = [
      send(id, { text: 'another' }, key),
      send(id, { text: 'once', from: 'me' }, key),
      send(again.id, { text: 'once' }, key),
      rig.request('POST', '/v1/tasks', { input: 'once', conversation_id }, key),
    ];
    for (const other of await Promise.all(others)) {
      expect(refusalOf(other)).toEqual([422, 'idempotency_key_reused']);
    }
    finish();
    await expectLeft(rig, again.id, { text: 'Noted.', code: null });
    expect((await followed(id, 'once', key)).id).toBe(again.id);
    expect(await contentsOf(conversation_id)).toEqual(['What is it?', WHOLE, 'once', 'Noted.']);
  });
});

describe('a message for after a run that nothing can follow', () => {
  it('is refused for a task that takes no turn in a conversation, and says what to do', async () => {
    const { model } = rig.script([{ stall: true }], [{ stall: true }]);
    const alone = await rig.start({ input: 'Alone.', model });
    const conversation_id = newId('conv');
    const beside = await rig.start({ input: 'Beside.', model, conversation_id, detached: true });
    for (const { id } of [alone, beside]) {
      const answer = await send(id, { text: 'And then?' });
      expect(refusalOf(answer)).toEqual([400, 'invalid_request']);
      expect(answer.body.error.details).toEqual([
        { path: 'mode', message: expect.stringContaining('"continue_from"') },
      ]);
      await rig.cancel(id, PATIENT);
    }
  });

  it('N6 is refused for a task that is absent, of another conversation, or no agent run', async () => {
    const conversation_id = newId('conv');
    const plain = await acceptOnly(rig, { type: 'tool_run', conversation_id });
    expect(refusalOf(await send(plain.id, { text: 'Hi' }))).toEqual([409, 'no_inbox']);
    expect(refusalOf(await send('task_absent', { text: 'Hi' }))).toEqual([404, 'task_not_found']);
    const path = `/v1/tasks/${plain.id}/messages?conversation_id=${newId('conv')}`;
    const foreign: Sent = await rig.request('POST', path, { text: 'Hi', mode: 'after_run' });
    expect(refusalOf(foreign)).toEqual([404, 'task_not_found']);
    await rig.cancel(plain.id, PATIENT);
  });

  it('stands below the same parent: it counts there, and a cancel of the tree reaches it', async () => {
    const { model, key } = rig.script([{ stall: true }], [{ stall: true }]);
    const root = await rig.start({ input: 'Root.', model });
    const parent = { task_id: root.id, call_id: 'c1' };
    const child = await rig.start({
      input: 'Child.',
      model,
      parent,
      conversation_id: newId('conv'),
    });
    const next = await followed(child.id, 'And then?');
    expect(next.parent).toEqual({ task_id: root.id });
    expect(refusalOf(await send(child.id, { text: 'More.' }))).toEqual([
      ...[429, 'too_many_running_tasks'],
    ]);
    const receipt = await rig.cancel(root.id, PATIENT);
    expect(receipt.children.map(({ task_id }) => task_id)).toEqual([child.id, next.id]);
    expect((await rig.untilEnd(next.id)).failure?.code).toBe('cancelled');
    expect(refusalOf(await send(child.id, { text: 'More.' }))).toEqual([409, 'tree_cancelled']);
    expect(rig.model.calls(key)).toBeLessThanOrEqual(2);
  });
});
