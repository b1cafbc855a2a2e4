import type { Block } from '../../contract/text.ts';
import type { Gate, Turn } from '../support/model-server.ts';
import type { Rig } from '../support/rig.ts';
import type { Spoken } from '../support/reader-promise.ts';

export const text = (words: string): Block => ({ kind: 'text', text: words });
export const reasoning = (words: string): Block => ({ kind: 'reasoning', text: words });

const THOUGHT = 'They want a product 🧮, so';
const ALOUD = 'Let me calculate. ';
const LOST = 'It might be 3';
const CHECKED = 'Carefully now 🧐.';
export const ANSWER = 'It is 391, of course: 17 × 23 = 391 🎉. Ask me another, dear reader 👩‍👩‍👧!';

/** What the eventful run says, by `step.attempt`. */
export const EVENTFUL: Spoken = new Map([
  ['1.1', [reasoning(THOUGHT), text(ALOUD)]],
  ['2.1', [text(LOST)]],
  ['2.2', [reasoning(CHECKED), text(ANSWER)]],
]);

/** The types of its log. */
export const EVENTFUL_LOG = [
  'task.accepted',
  'task.started',
  'turn.started',
  'turn.thinking',
  'turn.tool_call',
  'turn.tool_result',
  'turn.started',
  'turn.attempt_failed',
  'turn.final_answer',
  'task.completed',
];

type Scripting = Pick<Rig, 'script'>;

/** A run with all that a feed can show: reasoning, a tool, an attempt that breaks off, an answer of many pieces. */
export function scriptEventful(
  rig: Scripting,
  { halfWay }: { halfWay?: Gate } = {},
): { model: string } {
  const half = ANSWER.length / 2;
  const call = { id: 'c1', name: 'calculator', arguments: { expression: '17*23' } };
  const pause: Turn = halfWay ? [{ gate: halfWay }] : [];
  const { model } = rig.script(
    [{ reason: THOUGHT, pieces: 3, everyMs: 12 }, { say: ALOUD, pieces: 4, everyMs: 12 }, { call }],
    [{ say: LOST, pieces: 3, everyMs: 12 }, { cut: true }],
    [
      { reason: CHECKED, pieces: 2, everyMs: 12 },
      { say: ANSWER.slice(0, half), pieces: 5, everyMs: 12 },
      ...pause,
      { say: ANSWER.slice(half), pieces: 5, everyMs: 12 },
    ],
  );
  return { model };
}

/** One step that says this much, waits at the gate, and goes on. */
export function scriptHalves(rig: Scripting, gate: Gate, [first, second]: [string, string]) {
  return rig.script([{ say: first, pieces: 3 }, { gate }, { say: second, pieces: 3 }]);
}

/** A step of one text block. */
export const saying = (words: string): Spoken => new Map([['1.1', [text(words)]]]);
