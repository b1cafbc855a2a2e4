import { expect } from 'vitest';
import { isStepEntry, isTerminalEvent } from '../../contract/events.ts';
import type { FeedReader, ReceivedFrame, Screen } from '../support/feed-reader.ts';
import {
  isEntry,
  playFrames,
  rawEntries,
  type Held,
  type Spoken,
} from '../support/reader-promise.ts';
import type { Rig } from '../support/rig.ts';

/** Another reader for each frame, as soon as the first one has it. */
export async function resumeAtEachFrame(
  rig: Rig,
  id: string,
  uncut: FeedReader,
  spoken: Spoken,
): Promise<FeedReader[]> {
  const resumed: FeedReader[] = [];
  for (;;) {
    await uncut.untilTrue(() => uncut.frames.length > resumed.length);
    const { id: cursor, frame } = uncut.frames[resumed.length] as ReceivedFrame;
    const shown = playFrames(uncut.frames.slice(0, resumed.length + 1), spoken).at(-1);
    resumed.push(await rig.read(id, { cursor, ...(shown && { screen: shown.screen }) }));
    if (frame.type !== 'task.completed') continue;
    expect(resumed.at(-1)?.status).toBe(204);
    return resumed;
  }
}

/** What came behind frame `index` is what the uncut reader got: the same entries, and the same screen at each step's own. */
export function expectSameFrom(
  uncut: ReceivedFrame[],
  index: number,
  frames: ReceivedFrame[],
  spoken: Spoken,
): void {
  const held = playFrames(uncut, spoken)[index];
  const rest = uncut.slice(index + 1);
  expect(rawEntries(frames)).toEqual(rawEntries(rest));
  const screensOf = (some: ReceivedFrame[]) =>
    screensAtEntries(some, playFrames(some, spoken, held));
  expect(screensOf(frames)).toEqual(screensOf(rest));
}

/** The screen at each step's own entry, and at the end. */
function screensAtEntries(frames: readonly ReceivedFrame[], held: readonly Held[]): Screen[] {
  return held
    .filter((_, index) => {
      const frame = frames[index]?.frame;
      return frame && isEntry(frame) && (isStepEntry(frame) || isTerminalEvent(frame));
    })
    .map(({ screen }) => screen);
}

export function entryTypes(frames: readonly ReceivedFrame[]): string[] {
  return frames.flatMap(({ frame }) => (isEntry(frame) ? [frame.type] : []));
}
