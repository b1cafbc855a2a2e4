import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { openEventSource } from '../support/event-source.ts';
import { entriesChangeNothing, playFrames, rawEntries } from '../support/reader-promise.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { EVENTFUL, EVENTFUL_LOG, scriptEventful } from './feed-runs.ts';
import { entryTypes, expectSameFrom, resumeAtEachFrame } from './resumed-readers.ts';

describe.each(RELAY_MOODS)('with a %s relay', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const startEventful = () => rig.start({ input: 'What is 17*23?', ...scriptEventful(rig) });

  it.concurrent(
    'F7 goes on exactly after any frame, while the run is open and when it is over',
    async () => {
      const task = await startEventful();
      const uncut = await rig.read(task.id);
      const resumed = await resumeAtEachFrame(rig, task.id, uncut, EVENTFUL);
      await uncut.ended;
      expect(entryTypes(uncut.frames)).toEqual(EVENTFUL_LOG);
      for (const [index, reader] of resumed.entries()) {
        await reader.ended;
        expectSameFrom(uncut.frames, index, reader.frames, EVENTFUL);
        const again = await rig.read(task.id, { cursor: uncut.frames[index]?.id });
        await again.ended;
        expectSameFrom(uncut.frames, index, again.frames, EVENTFUL);
      }
    },
  );

  it.concurrent.each([1, 4])(
    'F7 holds for a stock EventSource that is cut after every %i frames',
    async (framesPerConnection) => {
      await using proxy = await startCuttingProxy({ target: rig.url, framesPerConnection });
      const task = await startEventful();
      using source = openEventSource(`${proxy.url}v1/tasks/${task.id}/events`);
      await source.closed;
      const uncut = await rig.read(task.id);
      await uncut.ended;
      expect(rawEntries(source.frames)).toEqual(rawEntries(uncut.frames));
      const held = playFrames(source.frames, EVENTFUL);
      expect(held.at(-1)?.screen).toEqual(uncut.screen);
      // The last request is the one that is answered with 204.
      expect(proxy.requests).toBeGreaterThan(source.frames.length / framesPerConnection);
    },
  );

  it.concurrent(
    'keeps the promise at each frame, and no entry changes the screen of a reader that stays',
    async () => {
      const task = await startEventful();
      const reader = await rig.read(task.id);
      await reader.ended;
      expect(playFrames(reader.frames, EVENTFUL)).toHaveLength(reader.frames.length);
      expect(entriesChangeNothing(reader.frames, EVENTFUL)).toBe(true);
    },
  );
});
