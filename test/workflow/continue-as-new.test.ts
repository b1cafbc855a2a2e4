import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { Store } from '../../store/store.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { expectCancelled } from './cancelled-run.ts';
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

/** Where the first flush of a task waits, once the log is stored. */
const flushes = new Map<string, Gate>();
const wrapStore = (store: Store): Store => ({
  ...store,
  async appendLog(taskId, events) {
    await store.appendLog(taskId, events);
    const held = flushes.get(taskId);
    flushes.delete(taskId);
    await held?.pass();
  },
});

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ tools: [readPage], wrapStore, defaults: { maxHistoryEvents: 25 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A run that stores its log to continue as new, on a worker that takes no workflow task any more. */
async function runAboutToContinue() {
  const begin = gate();
  const [first = [], ...others] = readingTurns(STEPS);
  const { model, key } = rig.script([{ gate: begin }, ...first], ...others, [{ say: ANSWER }]);
  const { id } = await rig.start({ input: 'Read.', model });
  const reader = await rig.read(id);
  const flush = gate();
  flushes.set(id, flush);
  begin.open();
  await within(flush.reached, () => 'the log to be stored');
  const stopped = rig.stopWorkers();
  return {
    id,
    key,
    reader,
    /** The flush ends, and its worker. The run hears of it from the next one. */
    async endFlush() {
      flush.open();
      await stopped;
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

describe('what arrives in the activation of a continue-as-new', () => {
  it.each(['before', 'after'])('is not lost: a cancel %s the end of the flush', async (when) => {
    const { id, reader, endFlush } = await runAboutToContinue();
    const handle = rig.client.workflow.getHandle(id);
    if (when === 'before') await handle.cancel();
    await endFlush();
    if (when === 'after') await handle.cancel();
    const { runId } = await handle.describe();
    await rig.startWorker();
    await expectCancelled(rig, id, { partial: null, reader });
    expect((await handle.describe()).runId).toBe(runId);
  });

  it('is not lost: a message is read by the next workflow run', async () => {
    const { id, key, reader, endFlush } = await runAboutToContinue();
    await endFlush();
    const sent = rig.request<{ seq: number }>('POST', `/v1/tasks/${id}/messages`, {
      text: 'And the title?',
    });
    await rig.startWorker();
    const { status, body } = await sent;
    expect(status).toBe(202);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const log = await archiveOf(rig, id);
    expect(continued(log)).toBeGreaterThanOrEqual(1);
    expect(log[body.seq - 1]).toMatchObject({
      type: 'task.message',
      data: { text: 'And the title?' },
    });
    expect(JSON.stringify(rig.model.requests(key).at(-1)?.body)).toContain('And the title?');
  });

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
