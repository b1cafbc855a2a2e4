import { describe, expect, it } from 'vitest';
import {
  hasEnded,
  takeDelta,
  takeEntries,
  takePartial,
  watchTask,
  type WatchedTask,
} from '../../../api/feed/watched-task.ts';
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
  text,
} from './events.ts';

/** A piece of text of the first step. */
function deltaTo(task: WatchedTask, attempt: number, offset: number, words: string) {
  return takeDelta(task, 3, { step: 1, attempt, block: 0, kind: 'text', offset, text: words });
}

describe('entries of the log', () => {
  it('are taken in order, each once, and none behind a hole', () => {
    const [first, ...rest] = logOf(ACCEPTED, STARTED, stepStarted(), CUSTOM);
    const task = watchTask('t', [first!]);
    expect(takeEntries(task, [rest[1]!, rest[2]!])).toBe(false);
    expect(takeEntries(task, [first!, rest[0]!, rest[2]!])).toBe(true);
    expect(takeEntries(task, rest)).toBe(true);
    expect(task.log.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ["of the step's end", answered(2, text('Hello'))],
    ["of the attempt's failure", attemptFailed(2, text('Hel'))],
    ['of the end', FAILED],
  ])('%s settle what was being said', (_, entry) => {
    const task = inFirstStep(partial(3, 2, text('Hel')));
    takeEntries(task, logOf(ACCEPTED, STARTED, stepStarted(), entry));
    expect(task.live).toBeNull();
    expect(deltaTo(task, 2, 3, 'lo')).toBe('known');
    expect(takePartial(task, partial(3, 1, text('Hi')))).toBe(false);
    expect(task.live).toBeNull();
  });

  it('of an earlier attempt leave what a later one says', () => {
    const task = inFirstStep(partial(4, 2, text('Hel')));
    takeEntries(task, logOf(ACCEPTED, STARTED, stepStarted(), attemptFailed(1)));
    expect(task.live?.blocks).toEqual([text('Hel')]);
  });

  it('end with the terminal one', () => {
    expect(hasEnded(inFirstStep(null))).toBe(false);
    expect(hasEnded(inFirstStep(null, FAILED))).toBe(true);
  });
});

describe('a piece from the relay', () => {
  it('is added where it follows, without what is known of it', () => {
    const task = inFirstStep(partial(3, 1, text('Hel')));
    expect(deltaTo(task, 1, 3, 'lo')).toBe('added');
    expect(deltaTo(task, 1, 3, 'lo, you')).toBe('added');
    expect(task.live?.blocks).toEqual([text('Hello, you')]);
  });

  it('changes nothing where it is known', () => {
    const task = inFirstStep(partial(3, 1, text('Hello')));
    expect(deltaTo(task, 1, 0, 'Hel')).toBe('known');
    expect(task.live?.blocks).toEqual([text('Hello')]);
  });

  it('changes nothing where the one before it was lost', () => {
    const task = inFirstStep(partial(3, 1, text('Hel')));
    expect(deltaTo(task, 1, 4, 'o')).toBe('gap');
    expect(task.live?.blocks).toEqual([text('Hel')]);
  });

  it('is kept where the one before it is late, and added with it', () => {
    const task = inFirstStep(partial(3, 1, text('Hel')));
    expect(deltaTo(task, 1, 5, ', you')).toBe('gap');
    expect(deltaTo(task, 1, 10, ' there')).toBe('gap');
    expect(deltaTo(task, 1, 3, 'lo')).toBe('added');
    expect(task.live?.blocks).toEqual([text('Hello, you there')]);
  });

  it('is kept until a heartbeat has what was lost', () => {
    const task = inFirstStep(partial(3, 1, text('Hel')));
    expect(deltaTo(task, 1, 5, ', you')).toBe('gap');
    expect(takePartial(task, partial(3, 1, text('Hello')))).toBe(true);
    expect(task.live?.blocks).toEqual([text('Hello, you')]);
  });

  it('of a lower attempt, or of a lower step, changes nothing', () => {
    const tasks = [
      inFirstStep(partial(4, 2, text('Hel'))),
      inFirstStep({ ...partial(5, 1, text('Hel')), step: 2 }),
    ];
    for (const task of tasks) {
      expect(deltaTo(task, 1, 3, 'lo')).toBe('known');
      expect(task.live?.blocks).toEqual([text('Hel')]);
    }
  });

  it('of a later attempt begins anew, also where its own first piece was lost', () => {
    const task = inFirstStep(partial(3, 1, text('Hel')));
    expect(deltaTo(task, 2, 2, 'llo')).toBe('gap');
    expect(task.live).toMatchObject({ attempt: 2, blocks: [] });
    expect(deltaTo(task, 2, 0, 'Hallo')).toBe('added');
    expect(deltaTo(task, 1, 3, 'lo')).toBe('known');
    expect(task.live).toMatchObject({ attempt: 2, blocks: [text('Hallo')] });
  });

  it('begins a block where the kind changes', () => {
    const task = inFirstStep(partial(3, 1, reasoning('Hm')));
    expect(deltaTo(task, 1, 2, 'Yes')).toBe('added');
    expect(task.live?.blocks).toEqual([reasoning('Hm'), text('Yes')]);
  });
});

describe('a heartbeat', () => {
  it('brings what the relay has lost', () => {
    const task = inFirstStep(partial(3, 1, text('Hel')));
    expect(takePartial(task, partial(3, 1, text('Hello')))).toBe(true);
    expect(deltaTo(task, 1, 5, '!')).toBe('added');
    expect(task.live?.blocks).toEqual([text('Hello!')]);
  });

  it('that is behind the relay takes nothing back', () => {
    const task = inFirstStep(partial(3, 1, text('Hello')));
    expect(takePartial(task, partial(3, 1, text('Hel')))).toBe(false);
    expect(task.live?.blocks).toEqual([text('Hello')]);
  });

  it('of an earlier attempt changes nothing', () => {
    const task = inFirstStep(partial(4, 2, text('Ha')));
    expect(takePartial(task, partial(3, 1, text('Hello')))).toBe(false);
    expect(task.live?.blocks).toEqual([text('Ha')]);
  });

  it('is not changed by pieces that are added to it', () => {
    const heartbeat = partial(3, 1, text('Hel'));
    const task = inFirstStep(null);
    takePartial(task, heartbeat);
    deltaTo(task, 1, 3, 'lo');
    expect(heartbeat.blocks).toEqual([text('Hel')]);
  });
});
