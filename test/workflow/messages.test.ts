import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../contract/events.ts';
import type { ErrorBody } from '../../contract/wire.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Answer, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { acceptOnly, newConversation, PATIENT } from './cancelled-run.ts';
import { archiveOf, expectLeft } from './left-behind.ts';
import { createStops } from './stops.ts';

const ANSWER = 'That is all there is to say.';
const SECOND = 'Then I say this too.';
const ANSWERS: Turn = [{ say: ANSWER }];
const EMPTY = '(an empty message)';

interface Taken {
  task_id: string;
  seq: number;
}
type Sent = Answer<Taken & ErrorBody>;

const stops = createStops();
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ tools: stops.tools, wrapStore: stops.wrapStore });
});
afterAll(() => rig[Symbol.asyncDispose]());

const call = (name: string) => ({ call: { id: 'c1', name, arguments: {} } });

function send(
  id: string,
  body: object,
  headers?: Record<string, string>,
  query = '',
): Promise<Sent> {
  return rig.request('POST', `/v1/tasks/${id}/messages${query}`, body, headers);
}

async function sendOne(id: string, text: string, key?: string): Promise<number> {
  const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
  const { status, body } = await send(id, { text }, headers);
  expect([status, body.task_id], JSON.stringify(body)).toEqual([202, id]);
  return body.seq;
}

async function run(...turns: Turn[]): Promise<{ id: string; key: string }> {
  const { model, key } = rig.script(...turns);
  const { id } = await rig.start({ input: 'Begin.', model });
  return { id, key };
}

/** A run whose model waits at the gate in its first step. */
async function runAt(held: Gate, ...turns: Turn[]): Promise<{ id: string; key: string }> {
  const started = await run(...turns);
  await within(held.reached, () => 'the model to wait');
  return started;
}

/** What the nth prompt holds behind the instructions, as `role: text`. */
function promptOf(key: string, n: number): string[] {
  const messages = rig.model.requests(key)[n - 1]?.body.messages ?? [];
  return messages.slice(1).map(({ role, content }) => `${role}: ${textIn(content)}`);
}

function textIn(content: unknown): string {
  if (!Array.isArray(content)) return String(content ?? '');
  return (content as { text: string }[]).map(({ text }) => text).join('');
}

function messagesIn(log: readonly LogEvent[]) {
  return log.flatMap((event) =>
    event.type === 'task.message' ? [{ seq: event.seq, ...event.data }] : [],
  );
}

const typesOf = (log: readonly LogEvent[]) => log.map(({ type }) => type);

describe('a message to a running task', () => {
  it('N5 is read by the next step, in order behind the results of this one, an empty one too', async () => {
    const held = gate();
    const { id, key } = await runAt(held, [{ gate: held }, call('act')], ANSWERS);
    const seqs = [];
    for (const text of ['one', '', 'three']) seqs.push(await sendOne(id, text));
    const { body } = await send(id, { text: 'four', from: 'the boss' });
    held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect([...seqs, body.seq]).toEqual([4, 5, 6, 7]);
    expect(messagesIn(await archiveOf(rig, id))).toEqual([
      { seq: 4, from: null, text: 'one' },
      { seq: 5, from: null, text: '' },
      { seq: 6, from: null, text: 'three' },
      { seq: 7, from: 'the boss', text: 'four' },
    ]);
    expect(promptOf(key, 1)).toEqual(['user: Begin.']);
    expect(promptOf(key, 2)).toEqual([
      'user: Begin.',
      'assistant: ',
      'tool: done',
      'user: one',
      `user: ${EMPTY}`,
      'user: three',
      'user: Message from the boss:\nfour',
    ]);
  });

  it('N5 that comes while a tool runs stands behind its result for the model', async () => {
    const begin = gate();
    const { id, key } = await runAt(begin, [{ gate: begin }, call('act')], ANSWERS);
    stops.acts.set(id, async () => void (await sendOne(id, 'hurry')));
    begin.open();
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(typesOf(await archiveOf(rig, id)).slice(3, 7)).toEqual([
      'turn.thinking',
      'turn.tool_call',
      'task.message',
      'turn.tool_result',
    ]);
    expect(promptOf(key, 2).slice(2)).toEqual(['tool: done', 'user: hurry']);
  });

  it('N7 reaches its addressee and no other task', async () => {
    const [mine, other] = [gate(), gate()];
    const first = await runAt(mine, [{ gate: mine }, call('act')], ANSWERS);
    const second = await runAt(other, [{ gate: other }, call('act')], ANSWERS);
    await sendOne(first.id, 'for the first one');
    mine.open();
    other.open();
    for (const { id } of [first, second]) await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(messagesIn(await archiveOf(rig, first.id))).toHaveLength(1);
    expect(messagesIn(await archiveOf(rig, second.id))).toEqual([]);
    expect(promptOf(second.key, 2).join()).not.toContain('first one');
  });

  it('N8 that is accepted while the last answer streams is read by one more step', async () => {
    const held = gate();
    const { id, key } = await runAt(
      held,
      [{ say: ANSWER.slice(0, 9), pieces: 3 }, { gate: held }, { say: ANSWER.slice(9) }],
      [{ say: SECOND, pieces: 3 }],
    );
    const reader = await rig.read(id);
    await sendOne(id, 'And?');
    held.open();
    await expectLeft(rig, id, { text: SECOND, code: null, reader });
    expect(typesOf(await archiveOf(rig, id))).toEqual([
      'task.accepted',
      'task.started',
      'turn.started',
      'task.message',
      'turn.thinking',
      'turn.started',
      'turn.final_answer',
      'task.completed',
    ]);
    expect(promptOf(key, 2)).toEqual(['user: Begin.', `assistant: ${ANSWER}`, 'user: And?']);
    expect([reader.screen.text(1), reader.screen.text(2)]).toEqual([ANSWER, SECOND]);
  });

  it('N8 is read beyond the limit of steps, and the answer before it is not lost to the limit', async () => {
    const held = gate();
    const { model } = rig.script([{ gate: held }, { say: ANSWER }], [{ say: SECOND }]);
    const { id } = await rig.start({ input: 'Begin.', model, max_steps: 1 });
    await held.reached;
    await sendOne(id, 'And?');
    held.open();
    await expectLeft(rig, id, { text: SECOND, code: null });
  });

  it('N8 waits for the next step where it comes between two attempts of one', async () => {
    const [lost, again] = [gate(), gate()];
    const { id, key } = await runAt(
      lost,
      [{ gate: lost }, { cut: true }],
      [{ gate: again }, { say: ANSWER }],
      [{ say: SECOND }],
    );
    await sendOne(id, 'first');
    lost.open();
    await again.reached;
    await sendOne(id, 'second');
    again.open();
    await expectLeft(rig, id, { text: SECOND, code: null });
    expect(promptOf(key, 2)).toEqual(['user: Begin.']);
    expect(promptOf(key, 3).slice(2)).toEqual(['user: first', 'user: second']);
  });

  it('is none too many where forty come at once, each in the log once, and read in its order', async () => {
    const held = gate();
    const { id, key } = await runAt(held, [{ gate: held }, { say: ANSWER }], [{ say: SECOND }]);
    const texts = Array.from({ length: 40 }, (_, n) => `message ${n}`);
    const seqs = await Promise.all(texts.map((text) => sendOne(id, text)));
    held.open();
    await expectLeft(rig, id, { text: SECOND, code: null });
    const logged = messagesIn(await archiveOf(rig, id));
    expect(logged.toSorted((a, b) => a.seq - b.seq)).toEqual(logged);
    expect(logged.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
    for (const [index, seq] of seqs.entries())
      expect(logged.find((one) => one.seq === seq)?.text).toBe(texts[index]);
    expect(promptOf(key, 2).slice(2)).toEqual(logged.map(({ text }) => `user: ${text}`));
  });
});

describe('a message that is sent again', () => {
  it('is taken once under its idempotency key, and refused for another text', async () => {
    const held = gate();
    const { id } = await runAt(held, [{ gate: held }], [{ stall: true }]);
    const key = randomUUID();
    const seqs = await Promise.all(Array.from({ length: 8 }, () => sendOne(id, 'once', key)));
    expect(new Set(seqs).size).toBe(1);
    const other = await send(id, { text: 'another' }, { 'Idempotency-Key': key });
    expect([other.status, other.body.error.code]).toEqual([422, 'idempotency_key_reused']);
    await rig.stopWorkers();
    await rig.startWorker();
    expect(await sendOne(id, 'once', key)).toBe(seqs[0]);
    await rig.cancel(id, PATIENT);
    expect(messagesIn(await archiveOf(rig, id))).toHaveLength(1);
  });
});

describe('a message that was taken', () => {
  it('is taken again under its key when its task has ended, and no other is', async () => {
    const held = gate();
    const { id } = await runAt(held, [{ gate: held }, { say: ANSWER }], [{ say: SECOND }]);
    const seq = await sendOne(id, 'And?', 'k1');
    held.open();
    await rig.untilEnd(id);
    expect(await sendOne(id, 'And?', 'k1')).toBe(seq);
    const others = [
      send(id, { text: 'And?' }),
      send(id, { text: 'And?' }, { 'Idempotency-Key': 'k2' }),
    ];
    for (const { status, body } of await Promise.all(others))
      expect([status, body.error.code]).toEqual([409, 'task_terminated']);
    expect(messagesIn(await archiveOf(rig, id))).toMatchObject([{ seq, text: 'And?' }]);
  });
});

describe('a message that nobody will read', () => {
  it('N6 is refused with the status of a task that has ended', async () => {
    const completed = await run(ANSWERS);
    await expectLeft(rig, completed.id, { text: ANSWER, code: null });
    const held = gate();
    const cancelled = await runAt(held, [{ gate: held }]);
    await rig.cancel(cancelled.id, PATIENT);
    for (const [{ id }, status] of [
      [completed, 'COMPLETED'],
      [cancelled, 'FAILED'],
    ] as const) {
      const answer = await send(id, { text: 'Still there?' });
      expect(answer.status).toBe(409);
      expect(answer.body.error).toMatchObject({ code: 'task_terminated', details: { status } });
    }
  });

  it('N6 is refused once the last word is said, though the end is not stored yet', async () => {
    const [held, storing] = [gate(), gate()];
    const { id } = await runAt(held, [{ gate: held }, { say: ANSWER }]);
    stops.beforeFinish.set(id, storing);
    held.open();
    await within(storing.reached, () => 'the end to be stored');
    const late = send(id, { text: 'Wait!' });
    const early = await Promise.race([late, rig.get(id)]);
    storing.open();
    expect(early).toMatchObject({ status: 'RUNNING' });
    const answer = await late;
    expect([answer.status, answer.body.error.code]).toEqual([409, 'task_terminated']);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(messagesIn(await archiveOf(rig, id))).toEqual([]);
  });

  it('N6 is refused for a task that is absent, of another conversation, or no agent run', async () => {
    const held = gate();
    const { model } = rig.script([{ gate: held }]);
    const conversation_id = newConversation();
    const { id } = await rig.start({ input: 'Begin.', model, conversation_id });
    const plain = await acceptOnly(rig, { type: 'tool_run' });
    const [foreign, absent, own] = await Promise.all([
      send(id, { text: 'Hi' }, {}, `?conversation_id=${newConversation()}`),
      send('task_absent', { text: 'Hi' }),
      send(plain.id, { text: 'Hi' }),
    ]);
    expect([foreign.status, foreign.body.error.code]).toEqual([404, 'task_not_found']);
    expect([absent.status, absent.body.error.code]).toEqual([404, 'task_not_found']);
    expect([own.status, own.body.error.code]).toEqual([409, 'no_inbox']);
    await within(held.reached, () => 'the model to wait');
    const mine = await send(id, { text: 'Hi' }, {}, `?conversation_id=${conversation_id}`);
    expect(mine.status).toBe(202);
    for (const one of [id, plain.id]) await rig.cancel(one, PATIENT);
  });
});

describe('a message that finds no worker', () => {
  it('waits for one where the task has not begun, and is read by the first step', async () => {
    await rig.stopWorkers();
    const { id, key } = await run(ANSWERS);
    const sent = Promise.all([sendOne(id, 'and'), sendOne(id, 'also')]);
    await rig.startWorker();
    expect((await sent).toSorted()).toEqual([3, 4]);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(typesOf(await archiveOf(rig, id)).slice(0, 5)).toEqual([
      'task.accepted',
      'task.started',
      'task.message',
      'task.message',
      'turn.started',
    ]);
    expect(promptOf(key, 1).toSorted()).toEqual(['user: Begin.', 'user: also', 'user: and']);
  });

  it('is refused after a while, and under its key arrives once when it is sent again', async () => {
    const held = gate();
    const again = gate();
    const turns: Turn[] = [[{ gate: held }], [{ gate: again }, { say: ANSWER }], [{ say: SECOND }]];
    const { id } = await runAt(held, ...turns);
    await rig.stopWorkers();
    const key = randomUUID();
    const refused = await send(id, { text: 'Hello?' }, { 'Idempotency-Key': key });
    expect([refused.status, refused.body.error.code]).toEqual([503, 'no_worker']);
    expect(refused.headers.get('retry-after')).toBe('1');
    await rig.startWorker();
    await again.reached;
    await sendOne(id, 'Hello?', key);
    again.open();
    await expectLeft(rig, id, { text: SECOND, code: null });
    expect(messagesIn(await archiveOf(rig, id))).toHaveLength(1);
  });
});
