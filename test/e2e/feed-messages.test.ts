import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeedReader, ReceivedFrame } from '../support/feed-reader.ts';
import { gate, type Gate } from '../support/model-server.ts';
import { entriesChangeNothing, type Spoken } from '../support/reader-promise.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { reasoning, text } from './feed-runs.ts';
import { entryTypes, expectSameFrom, resumeAtEachFrame } from './resumed-readers.ts';

const THOUGHT = 'They write while I think 🧮, so';
const ALOUD = 'let me calculate. ';
const LOST = 'It might be';
const FIRST = 'It is 391, if nobody says otherwise 🎉.';
const LAST = 'You did: then it is 392 👩‍👩‍👧, as you like.';

/** A run that is written to in the midst of each of its texts, by `step.attempt`. */
const WRITTEN_TO: Spoken = new Map([
  ['1.1', [reasoning(THOUGHT), text(ALOUD)]],
  ['2.1', [text(LOST)]],
  ['2.2', [text(FIRST)]],
  ['3.1', [text(LAST)]],
]);

const LOG = [
  'task.accepted',
  'task.started',
  'turn.started',
  'task.message',
  'turn.thinking',
  'turn.tool_call',
  'turn.tool_result',
  'turn.started',
  'task.message',
  'turn.attempt_failed',
  'task.message',
  'turn.thinking',
  'turn.started',
  'turn.final_answer',
  'task.completed',
];

/** Where the model waits for a message, in the order of the run. */
const halts = () => [gate(), gate(), gate()] as const;

function script(rig: Rig, [first, second, third]: ReturnType<typeof halts>) {
  const call = { id: 'c1', name: 'calculator', arguments: { expression: '17*23' } };
  const pace = { everyMs: 8 };
  const half = FIRST.length / 2;
  return rig.script(
    [
      { reason: THOUGHT, pieces: 3, ...pace },
      { gate: first },
      { say: ALOUD, pieces: 3, ...pace },
      { call },
    ],
    [{ say: LOST, pieces: 2, ...pace }, { gate: second }, { cut: true }],
    [
      { say: FIRST.slice(0, half), pieces: 3, ...pace },
      { gate: third },
      { say: FIRST.slice(half), pieces: 3, ...pace },
    ],
    [{ say: LAST, pieces: 4, ...pace }],
  );
}

describe.each(RELAY_MOODS)('with a %s relay', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** Writes to the run at each halt, once its reader has what was said before, and goes on once it has the message. */
  async function writeAtEachHalt(id: string, reader: FeedReader, gates: readonly Gate[]) {
    const said = [THOUGHT, LOST, FIRST.slice(0, FIRST.length / 2)];
    for (const [index, held] of gates.entries()) {
      const step = Math.min(index + 1, 2);
      await reader.untilTrue(() => reader.screen.all(step) === said[index]);
      const message = { text: `message ${index + 1}` };
      const { status } = await rig.request('POST', `/v1/tasks/${id}/messages`, message);
      expect(status).toBe(202);
      await reader.untilTrue(
        () => entryTypes(reader.frames).filter((type) => type === 'task.message').length > index,
      );
      held.open();
    }
  }

  it.concurrent(
    'F7 goes on exactly after any frame of a run that is written to in the midst of its texts',
    async () => {
      const gates = halts();
      const { model } = script(rig, gates);
      const task = await rig.start({ input: 'What is 17*23?', model });
      const uncut = await rig.read(task.id);
      const [resumed] = await Promise.all([
        resumeAtEachFrame(rig, task.id, uncut, WRITTEN_TO),
        writeAtEachHalt(task.id, uncut, gates),
      ]);
      await uncut.ended;
      expect(entryTypes(uncut.frames)).toEqual(LOG);
      expect(entriesChangeNothing(uncut.frames, WRITTEN_TO)).toBe(true);
      for (const [index, reader] of resumed.entries()) {
        await reader.ended;
        expectSameFrom(uncut.frames, index, reader.frames, WRITTEN_TO);
        // Nothing that it had been shown is told again: a reset comes only where the uncut reader has one too.
        expect(resets(reader.frames)).toBeLessThanOrEqual(resets(uncut.frames.slice(index + 1)));
        const again = await rig.read(task.id, { cursor: uncut.frames[index]?.id });
        await again.ended;
        expectSameFrom(uncut.frames, index, again.frames, WRITTEN_TO);
      }
    },
  );
});

const resets = (frames: readonly ReceivedFrame[]) =>
  frames.filter(({ frame }) => frame.type === 'turn.reset').length;
