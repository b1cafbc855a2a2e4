import { isStepEntry, type LogEvent } from '../../contract/events.ts';
import type { Block } from '../../contract/text.ts';
import { Screen, type ReceivedFrame } from './feed-reader.ts';

/** What each attempt says, by `step.attempt`: from the model's script. */
export type Spoken = ReadonlyMap<string, readonly Block[]>;

/** What a reader holds behind a frame. */
export interface Held {
  /** Id of its last frame; undefined before the first one. */
  id: string | undefined;
  /** Its newest log entry. */
  seq: number;
  screen: Screen;
}

export const NOTHING_HELD: Held = { id: undefined, seq: 0, screen: new Screen() };

/**
 * Plays frames to a reader that follows the rule, and gives what it holds behind each of them. Throws where the feed breaks
 * its promise: an entry that does not follow, text that is not how its attempt begins, a cut surrogate pair.
 */
export function playFrames(
  frames: readonly ReceivedFrame[],
  spoken: Spoken,
  from: Held = NOTHING_HELD,
): Held[] {
  let held = from;
  return frames.map((received) => {
    const { id, frame } = received;
    const seq = isEntry(frame) ? frame.seq : held.seq;
    if (isEntry(frame) && seq !== held.seq + 1) throw new Error(`entry ${seq} after ${held.seq}`);
    const screen = copyOf(held.screen);
    screen.show(received);
    checkScreen(screen, spoken);
    held = { id, seq, screen };
    return held;
  });
}

export function isEntry(frame: ReceivedFrame['frame']): frame is LogEvent {
  return 'data' in frame;
}

/** The raw log entries among the frames. */
export function rawEntries(frames: readonly ReceivedFrame[]): string[] {
  return frames.filter(({ frame }) => isEntry(frame)).map(({ raw }) => raw);
}

/** Whether each step's own entry left the screen as it was, where the reader had been shown something of the step. */
export function entriesChangeNothing(frames: readonly ReceivedFrame[], spoken: Spoken): boolean {
  const held = playFrames(frames, spoken);
  return frames.every(({ frame }, index) => {
    if (!isEntry(frame) || !isStepEntry(frame)) return true;
    const before = held[index - 1]?.screen.steps.get(frame.data.step);
    return !before || JSON.stringify(before.blocks) === JSON.stringify(frame.data.blocks);
  });
}

/** Throws unless what is shown of each step is how that attempt begins, block by block. */
export function checkScreen(screen: Screen, spoken: Spoken): void {
  for (const [step, { attempt, blocks }] of screen.steps) {
    const said = spoken.get(`${step}.${attempt}`) ?? [];
    const whole = blocks.every(({ text }) => text.isWellFormed());
    if (whole && isPrefix(blocks, said)) continue;
    throw new Error(`${JSON.stringify(blocks)} is not how ${JSON.stringify(said)} begins`);
  }
}

function isPrefix(shown: readonly Block[], said: readonly Block[]): boolean {
  return shown.every(({ kind, text }, index) => {
    const block = said[index];
    const last = index === shown.length - 1;
    return block?.kind === kind && (last ? block.text.startsWith(text) : block.text === text);
  });
}

export function copyOf(screen: Screen): Screen {
  const copy = new Screen();
  for (const [step, shown] of structuredClone(screen.steps)) copy.steps.set(step, shown);
  return copy;
}
