import { tsToMs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import type { LogEvent } from '../../contract/events.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig, type StartBody } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import { approve } from './approve.ts';
import { expectCancelled, PATIENT } from './cancelled-run.ts';
import { createHeldFlushes } from './held-flushes.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'The last page is turned.';
const STEPS = 6;

const readPage = defineTool({
  name: 'read_page',
  description: 'Reads a page.',
  parameters: z.object({ page: z.number() }),
  run: ({ page }) => Promise.resolve(`page ${page}`),
});

const readingTurns = (count: number): Turn[] =>
  Array.from({ length: count }, (_, n) => [
    { say: 'On. ' },
    { call: { id: `c${n}`, name: 'read_page', arguments: { page: n } } },
  ]);

/** Tasks whose book was burnt. */
const burnt: string[] = [];
const burnBook = defineTool({
  name: 'burn_book',
  description: 'Cannot be undone.',
  parameters: z.object({}),
  needsApproval: true,
  approvalTimeoutMs: 3_600_000,
  run: (_, { taskId }) => {
    burnt.push(taskId);
    return Promise.resolve('ashes');
  },
});

const flushes = createHeldFlushes();
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({
    tools: [readPage, burnBook],
    wrapStore: flushes.wrapStore,
    defaults: { maxHistoryEvents: 25 },
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Where a run is when its history is full. */
const PLACES = ['between two steps', 'in a step that waits for approval'] as const;
type Place = (typeof PLACES)[number];

const turnsTo: Record<Place, Turn[]> = {
  'between two steps': [...readingTurns(STEPS), [{ say: ANSWER }]],
  'in a step that waits for approval': [
    [{ call: { id: 'b', name: 'burn_book', arguments: {} } }],
    [{ say: ANSWER }],
  ],
};

/** A run that stores its log to continue as new. */
async function runThatFlushes(place: Place, body: Partial<StartBody> = {}) {
  const begin = gate();
  const [first = [], ...others] = turnsTo[place];
  const { model, key } = rig.script([{ gate: begin }, ...first], ...others);
  const { id } = await rig.start({ input: 'Read.', model, ...body });
  const reader = await rig.read(id);
  const flush = flushes.hold(id);
  begin.open();
  if (place === 'in a step that waits for approval') {
    await reader.until(({ frame }) => frame.type === 'approval.requested');
    await fillHistory(id);
  }
  await within(flush.reached, () => 'the log to be stored');
  return { id, key, reader, flush };
}

/** Writes to a run that waits, until it is about to continue as new. */
async function fillHistory(id: string): Promise<void> {
  for (let isFull = false; !isFull;) {
    const path = `/v1/tasks/${id}/messages`;
    expect((await rig.request('POST', path, { text: 'Still there?' })).status).toBe(202);
    isFull = (await scheduledIn(id)).includes('flushLog');
  }
}

/** Names of the activities that a workflow run has scheduled, in order. */
async function scheduledIn(id: string, runId?: string): Promise<unknown[]> {
  const { events } = await rig.client.workflow.getHandle(id, runId).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled ? [scheduled.activityType?.name] : [],
  );
}

/** The same, on a worker that stops: at most it takes one workflow task more, which is given up after ten seconds. */
async function runAboutToContinue(place: Place) {
  const { flush, ...run } = await runThatFlushes(place);
  const { id } = run;
  const stopped = rig.stopWorkers();
  return {
    ...run,
    /** The flush ends, and its worker. The run hears of it from the next one. */
    async endFlush() {
      flush.open();
      await stopped;
      // A run that waits is idle, and the worker more likely to take that task.
      if (place === 'in a step that waits for approval') return;
      const { events = [] } = await rig.client.workflow.getHandle(id).fetchHistory();
      const flushed = events?.findLast((event) => event.activityTaskScheduledEventAttributes);
      const last = events?.findLast((event) => event.activityTaskCompletedEventAttributes);
      expect(last?.activityTaskCompletedEventAttributes?.scheduledEventId).toEqual(
        flushed?.eventId,
      );
    },
  };
}

const continued = (log: readonly LogEvent[]) =>
  log.filter(({ type }) => type === 'task.continued').length;

/** Asks again where nobody has answered in time, because the worker that stops has taken a workflow task. */
async function send(id: string, text: string): Promise<{ seq: number }> {
  const headers = { 'Idempotency-Key': id };
  return eventually(async () => {
    const path = `/v1/tasks/${id}/messages`;
    const { status, body } = await rig.request<{ seq: number }>('POST', path, { text }, headers);
    expect([202, 503]).toContain(status);
    return status === 202 && body;
  }, 'the message to be taken');
}

describe.each(PLACES)('what arrives in the activation of a continue-as-new %s', (place) => {
  it.each(['before', 'after'])('is not lost: a cancel %s the end of the flush', async (when) => {
    const { id, reader, endFlush } = await runAboutToContinue(place);
    const handle = rig.client.workflow.getHandle(id);
    if (when === 'before') await handle.cancel();
    await endFlush();
    if (when === 'after') await handle.cancel();
    const { runId } = await handle.describe();
    await rig.startWorker();
    await expectCancelled(rig, id, { partial: null, reader });
    expect((await handle.describe()).runId).toBe(runId);
    if (place === 'in a step that waits for approval') await expectRefused(id);
  });

  it('is not lost: a message is read by the next workflow run', async () => {
    const { id, key, reader, endFlush } = await runAboutToContinue(place);
    await endFlush();
    const sent = send(id, 'And the title?');
    await rig.startWorker();
    const { seq } = await sent;
    if (place === 'in a step that waits for approval') await approve(rig, id);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const log = await archiveOf(rig, id);
    expect(continued(log)).toBeGreaterThanOrEqual(1);
    expect(log[seq - 1]).toMatchObject({
      type: 'task.message',
      data: { text: 'And the title?' },
    });
    expect(JSON.stringify(rig.model.requests(key).at(-1)?.body)).toContain('And the title?');
  });
});

describe('what arrives while a run that waits for approval is about to continue as new', () => {
  const PLACE = 'in a step that waits for approval';

  it('is not lost: the approval lets the next workflow run make the call, once', async () => {
    const { id, key, reader, flush } = await runThatFlushes(PLACE);
    const { runId } = await rig.client.workflow.getHandle(id).describe();
    await approve(rig, id);
    flush.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(burnt.filter((one) => one === id)).toHaveLength(1);
    expect(rig.model.calls(key)).toBe(2);
    const results = (await archiveOf(rig, id)).filter(({ type }) => type === 'turn.tool_result');
    expect(results).toMatchObject([{ data: { output: 'ashes', is_error: false } }]);
    expect(await scheduledIn(id, runId)).not.toContain('runTool');
  });

  it('is not lost: a cancel refuses the approval ahead of the end', async () => {
    const { id, reader, flush } = await runThatFlushes(PLACE);
    const cancelled = rig.cancel(id, PATIENT);
    await reader.until(({ frame }) => frame.type === 'task.failed');
    expect(await cancelled).toMatchObject({ outcome: 'cancelled' });
    flush.open();
    await expectCancelled(rig, id, { partial: null, reader });
    await expectRefused(id);
  });
});

/** The call that waited for approval has got none, and so its result, ahead of the end. */
async function expectRefused(id: string): Promise<void> {
  const log = await archiveOf(rig, id);
  expect(log.slice(-3)).toMatchObject([
    { type: 'approval.resolved', data: { approved: false } },
    { type: 'turn.tool_result', data: { is_error: true } },
    { type: 'task.failed' },
  ]);
}

describe('a run whose time is up while it is about to continue as new', () => {
  it('ends without another call of its model', async () => {
    const { id, key, reader, flush } = await runThatFlushes(PLACES[0], { timeout_seconds: 6 });
    const calls = rig.model.calls(key);
    const deadline = await deadlineOf(id);
    await eventually(() => Date.now() > deadline, 'its time to be up');
    flush.open();
    await expectLeft(rig, id, { text: null, code: 'timed_out', reader });
    expect(rig.model.calls(key)).toBe(calls);
  });
});

/** By the clock of Temporal: milliseconds since the epoch. */
async function deadlineOf(id: string): Promise<number> {
  const { events } = await rig.client.workflow.getHandle(id).fetchHistory();
  const timer = events?.find((event) => event.timerStartedEventAttributes);
  const { startToFireTimeout } = timer?.timerStartedEventAttributes ?? {};
  return tsToMs(timer?.eventTime) + tsToMs(startToFireTimeout);
}

/** For message after message: a minute is little for a busy machine. */
const MANY_MESSAGES = { timeout: 180_000 };

describe('what arrives while a run continues as new again and again', MANY_MESSAGES, () => {
  it('is not lost: of messages that come all the while each stands once in the log, and is read', async () => {
    const steps = 20;
    const { model, key } = rig.script(...readingTurns(steps), ...answersFor(steps));
    const { id } = await rig.start({ input: 'Read.', model, max_steps: 100 });
    const reader = await rig.read(id);
    const sent: { seq: number; text: string }[] = [];
    for (let n = 1; !reader.frames.some(({ frame }) => stepOf(frame) > steps - 2); n += 1) {
      const text = `message ${n}`;
      const { status, body } = await rig.request<{ seq: number }>(
        'POST',
        `/v1/tasks/${id}/messages`,
        { text },
        { 'Idempotency-Key': `${id}-${n}` },
      );
      expect(status, JSON.stringify(body)).toBe(202);
      sent.push({ seq: body.seq, text });
    }
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const log = await archiveOf(rig, id);
    expect(continued(log)).toBeGreaterThanOrEqual(2);
    const logged = log.flatMap((event) =>
      event.type === 'task.message' ? [{ seq: event.seq, text: event.data.text }] : [],
    );
    expect(logged).toEqual(sent);
    const last = JSON.stringify(rig.model.requests(key).at(-1)?.body.messages);
    for (const { text } of sent) expect(last).toContain(`"${text}"`);
  });
});

/** More than one, because a message may come while the first one is said. */
const answersFor = (count: number): Turn[] =>
  Array.from({ length: count }, () => [{ say: ANSWER }]);

const stepOf = (frame: { type: string; data?: unknown }) =>
  frame.type === 'turn.started' ? (frame.data as { step: number }).step : 0;
