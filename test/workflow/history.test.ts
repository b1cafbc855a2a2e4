import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { newId } from '../../api/ids.ts';
import type { LogEvent } from '../../contract/events.ts';
import { entriesOf } from '../support/feed-reader.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'The last page is turned.';
const THOUGHT = 'Let me read on. ';
const PAGE = 'It was a dark and stormy night. '.repeat(10);

const readPage = defineTool({
  name: 'read_page',
  description: 'Reads a page.',
  parameters: z.object({ page: z.number() }),
  run: ({ page }) => Promise.resolve(`${page}: ${PAGE}`),
});

const callOf = (page: number) => ({
  call: { id: `call-${page}`, name: 'read_page', arguments: { page } },
});

/** Steps that each say a thought and call one tool. */
function readingTurns(count: number): Turn[] {
  return Array.from({ length: count }, (_, n) => [{ say: THOUGHT }, callOf(n + 1)]);
}

interface Size {
  events: number;
  bytes: number;
}

describe('the history of a run', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ tools: [readPage], defaults: { maxSteps: 100 } });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** Size of the closed workflow of a run with these turns, which ends with the answer `text`. */
  async function historyOf(turns: Turn[], text: string): Promise<Size> {
    const { model } = rig.script(...turns);
    const { id } = await rig.start({ input: 'What is in the book?', model });
    await expectLeft(rig, id, { text, code: null });
    const run = await eventually(async () => {
      const description = await rig.client.workflow.getHandle(id).describe();
      return description.status.name === 'COMPLETED' && description;
    }, 'the run to close');
    return { events: run.historyLength, bytes: run.historySize ?? Infinity };
  }

  it('grows by at most 12 events and 3 KB beside its texts per step with a tool, whatever its number', async () => {
    const size = (steps: number) => historyOf([...readingTurns(steps), [{ say: ANSWER }]], ANSWER);
    const [one, six, eleven] = [await size(1), await size(6), await size(11)];
    const texts = THOUGHT.length + PAGE.length;
    for (const { fewer, more } of [
      { fewer: one, more: six },
      { fewer: six, more: eleven },
    ]) {
      expect((more.events - fewer.events) / 5).toBeLessThanOrEqual(12);
      expect((more.bytes - fewer.bytes) / 5).toBeLessThanOrEqual(3 * 1024 + texts);
    }
  });

  it('has no event per token', async () => {
    const text = 'word '.repeat(400);
    const whole = await historyOf([[{ say: text }]], text);
    const inPieces = await historyOf([[{ say: text, pieces: 400, everyMs: 1 }]], text);
    expect(inPieces.events).toBe(whole.events);
  });
});

describe('a run that continues as new', () => {
  const STEPS = 8;
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ tools: [readPage], defaults: { maxHistoryEvents: 25 } });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** A run that has gone through several workflow runs and waits in its last step. */
  async function longRun(held: Gate) {
    const { model, key } = rig.script(...readingTurns(STEPS), [{ gate: held }, { say: ANSWER }]);
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'What is in the book?', model, conversation_id });
    const reader = await rig.read(id);
    await held.reached;
    return { id, key, reader };
  }

  it('leaves one log without a hole, which a reader gets as if nothing had happened', async () => {
    const held = gate();
    const { id, key, reader } = await longRun(held);
    const late = await rig.read(id);
    const stepped = ({ frame }: { frame: { type: string; data?: unknown } }) =>
      frame.type === 'turn.started' && (frame.data as { step: number }).step === STEPS + 1;
    const [position] = await Promise.all([reader.until(stepped), late.until(stepped)]);
    held.open();

    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    await late.ended;
    const log = await archiveOf(rig, id);
    expect(entriesOf(late.frames)).toEqual(log);
    expect(log.filter(({ type }) => type === 'task.started')).toHaveLength(1);
    expect(thoughtsOf(log)).toEqual(Array.from({ length: STEPS }, () => THOUGHT));
    const resumed = await rig.read(id, { cursor: position.id });
    await resumed.ended;
    expect(entriesOf(resumed.frames)).toEqual(log.slice(entriesOf([position])[0]?.seq));

    // The model was given all of what earlier workflow runs had found.
    const told = rig.model
      .requests(key)
      [STEPS]?.body.messages.filter(({ role }) => role === 'tool');
    expect(told?.map(({ content }) => content)).toEqual(
      Array.from({ length: STEPS }, (_, n) => `${n + 1}: ${PAGE}`),
    );
  });

  it('says so in its log, once for each workflow run that ended', async () => {
    const held = gate();
    held.open();
    const { id } = await longRun(held);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const { runId: last } = await rig.client.workflow.getHandle(id).describe();
    const continued = (await archiveOf(rig, id)).flatMap((event) =>
      event.type === 'task.continued' ? [event.data.run_id] : [],
    );
    expect(continued.length).toBeGreaterThanOrEqual(2);
    expect(new Set([...continued, last]).size).toBe(continued.length + 1);
    for (const runId of continued) {
      const { status } = await rig.client.workflow.getHandle(id, runId).describe();
      expect(status.name).toBe('CONTINUED_AS_NEW');
    }
  });

  it('is cancelled like any other', async () => {
    const { id, reader } = await longRun(gate());
    expect((await rig.cancel(id)).outcome).toBe('cancelled');
    await expectLeft(rig, id, { text: null, code: 'cancelled', reader });
    await eventually(
      async () => (await rig.workflowStatus(id)) === 'CANCELLED',
      'the run to close',
    );
  });

  function thoughtsOf(log: readonly LogEvent[]): string[] {
    return log.flatMap((event) => (event.type === 'turn.thinking' ? [event.data.text] : []));
  }
});
