import { describe, expect, it } from 'vitest';
import { nextFrames, type Position } from '../../../api/feed/next-frames.ts';
import { takeEntries, watchTask, type WatchedTask } from '../../../api/feed/watched-task.ts';
import { START } from '../../../contract/cursor.ts';
import { NO_USAGE } from '../../../contract/task.ts';
import {
  ACCEPTED,
  answered,
  attemptFailed,
  CUSTOM,
  FAILED,
  inFirstStep,
  logOf,
  partial,
  reasoning,
  STARTED,
  stepStarted,
  TASK_ID,
  text,
} from './events.ts';

const fresh = (deltas = true): Position => ({ ...START, deltas, following: false });
const at = (seq: number, attempt = 0, offset = 0): Position => ({
  seq,
  attempt,
  offset,
  deltas: true,
  following: true,
});

/** The frames that follow, each as its cursor with its type or text. */
function told(task: WatchedTask, position: Position): string[] {
  return nextFrames(task, position).map(({ id, data }) => {
    const frame = JSON.parse(data) as { type: string; text?: string };
    const what = frame.type === 'turn.delta' ? JSON.stringify(frame.text) : frame.type;
    return `${id.slice(TASK_ID.length + 1)} ${what}`;
  });
}

const BEGUN = ['1 task.accepted', '2 task.started', '3 turn.started'];

describe('a reader from the start', () => {
  it('gets the log, then what the step has said, a piece per block', () => {
    const task = inFirstStep(partial(3, 1, reasoning('Hm 😀'), text('Yes')));
    const position = fresh();
    expect(told(task, position)).toEqual([...BEGUN, '3.1.5 "Hm 😀"', '3.1.8 "Yes"']);
    expect(told(task, position)).toEqual([]);
  });

  it('gets the entries alone of steps that are over', () => {
    const task = inFirstStep(null, answered(1, text('Yes')), FAILED);
    expect(told(task, fresh())).toEqual([...BEGUN, '4 turn.final_answer', '5 task.failed']);
  });

  it('gets a reset ahead of a later attempt', () => {
    const task = inFirstStep(partial(4, 2, text('Yes')), attemptFailed(1, text('No')));
    const frames = [...BEGUN, '4 turn.attempt_failed', '4.2.0 turn.reset', '4.2.3 "Yes"'];
    expect(told(task, fresh())).toEqual(frames);
  });

  it('gets a long log in parts, and text only behind its end', () => {
    const task = inFirstStep(
      partial(3, 1, text('Yes')),
      ...Array.from({ length: 100 }, () => CUSTOM),
    );
    const position = fresh();
    const parts = [told(task, position), told(task, position)];
    expect(parts[0]?.every((frame) => !frame.includes('"'))).toBe(true);
    expect(parts.flat()).toHaveLength(104);
    expect(parts.flat().slice(-2)).toEqual(['103 task.custom', '103.1.3 "Yes"']);
  });

  it('gets few entries at a time where they are large', () => {
    const large = text('x'.repeat(200_000));
    const failures = [1, 2, 3, 4].map((attempt) => attemptFailed(attempt, large));
    const task = inFirstStep(null, ...failures, FAILED);
    const position = fresh();
    const parts = [told(task, position), told(task, position), told(task, position)];
    expect(parts.map((part) => part.length)).toEqual([5, 2, 1]);
    expect(told(task, position)).toEqual([]);
  });

  it('gets the entry alone of a step that it has not seen open', () => {
    const task = inFirstStep(null, answered(1, text('Yes')), stepStarted(2), [
      'turn.final_answer',
      { step: 2, attempt: 1, blocks: [text('And')], text: 'And', usage: NO_USAGE },
    ]);
    expect(told(task, at(3))).toEqual([
      '3.1.3 "Yes"',
      '4 turn.final_answer',
      '5 turn.started',
      '6 turn.final_answer',
    ]);
  });

  it('gets entries alone when it asks for no deltas', () => {
    const task = inFirstStep(partial(4, 2, text('Yes')), attemptFailed(1, text('No')));
    const position = fresh(false);
    expect(told(task, position)).toEqual([...BEGUN, '4 turn.attempt_failed']);
    takeEntries(task, logOf(ACCEPTED, STARTED, stepStarted(), CUSTOM, answered(2, text('Yes!'))));
    expect(told(task, position)).toEqual(['5 turn.final_answer']);
  });
});

describe('a reader in the middle of a step', () => {
  it('gets the rest of it', () => {
    const task = inFirstStep(partial(3, 1, reasoning('Hm'), text('Yes, of course')));
    expect(told(task, at(3, 1, 1))).toEqual(['3.1.2 "m"', '3.1.16 "Yes, of course"']);
  });

  it('gets an entry that comes in its midst with an id that keeps its place in the text', () => {
    const task = inFirstStep(partial(3, 1, text('Yes, of course')), CUSTOM);
    expect(told(task, at(3, 1, 3))).toEqual(['4.1.3 task.custom', '4.1.14 ", of course"']);
    expect(told(task, at(4, 1, 3))).toEqual(['4.1.14 ", of course"']);
  });

  it('waits where it is ahead of what is known', () => {
    const task = inFirstStep(partial(3, 1, text('Yes')));
    const position = at(3, 1, 5);
    expect(told(task, position)).toEqual([]);
    task.live = partial(3, 1, text('Yes, of course'));
    expect(told(task, position)).toEqual(['3.1.14 "of course"']);
  });

  it('waits where it knows a later attempt', () => {
    const task = inFirstStep(partial(3, 1, text('Yes')));
    expect(told(task, at(3, 2, 1))).toEqual([]);
  });

  it('keeps what it has until a later attempt speaks', () => {
    const task = inFirstStep(partial(4, 2), attemptFailed(1, text('No')));
    const position = at(3, 1, 2);
    expect(told(task, position)).toEqual(['4.1.2 turn.attempt_failed']);
    task.live = partial(4, 2, text('Yes'));
    expect(told(task, position)).toEqual(['4.2.0 turn.reset', '4.2.3 "Yes"']);
  });

  it('gets no text of an entry that it does not have', () => {
    const task = inFirstStep(partial(5, 2, text('Yes')), attemptFailed(1, text('No')));
    expect(told(task, at(3, 1, 2))).toEqual(['4.1.2 turn.attempt_failed']);
  });

  it('gets the text behind an entry that the process has not read, where the attempt began there', () => {
    const task = { ...watchTask(TASK_ID, logOf(ACCEPTED)), live: partial(3, 1, text('Yes')) };
    expect(told(task, at(3, 1, 1))).toEqual(['3.1.3 "es"']);
    expect(told(task, at(4))).toEqual([]);
  });
});

describe("a step's entry", () => {
  const entry = (...blocks: Parameters<typeof answered>[1][]) =>
    inFirstStep(null, answered(1, ...blocks));

  it('comes behind the tail that its reader lacks', () => {
    expect(told(entry(text('Yes!')), at(3, 1, 3))).toEqual(['3.1.4 "!"', '4 turn.final_answer']);
    expect(told(entry(text('Yes!')), at(3))).toEqual(['3.1.4 "Yes!"', '4 turn.final_answer']);
  });

  it('comes alone where its reader has all of it, or where nothing was said', () => {
    expect(told(entry(text('Yes!')), at(3, 1, 4))).toEqual(['4 turn.final_answer']);
    expect(told(entry(), at(3))).toEqual(['4 turn.final_answer']);
  });

  it('comes behind a reset where another attempt was shown, or more than is left of it', () => {
    const frames = (attempt: number) => [
      `3.1.0 turn.reset`,
      '3.1.2 "No"',
      '4 turn.final_answer',
      attempt,
    ];
    expect([...told(entry(text('No')), at(3, 2, 7)), 2]).toEqual(frames(2));
    expect([...told(entry(text('No')), at(3, 1, 7)), 1]).toEqual(frames(1));
  });

  it('without text comes behind a reset where a lost attempt had been shown', () => {
    const task = inFirstStep(null, attemptFailed(1), answered(2));
    expect(told(task, at(4))).toEqual(['4.2.0 turn.reset', '5 turn.final_answer']);
  });

  it('of the next step leaves the position of the step before behind', () => {
    const task = inFirstStep(null, answered(1, text('Yes')), stepStarted(2));
    const position = at(3, 1, 3);
    expect(told(task, position)).toEqual(['4 turn.final_answer', '5 turn.started']);
    task.live = { ...partial(5, 1, text('And')), step: 2 };
    expect(told(task, position)).toEqual(['5.1.3 "And"']);
  });
});
