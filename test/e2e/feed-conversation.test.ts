import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStepEntry, isTerminalEvent } from '../../contract/events.ts';
import type { Task } from '../../contract/wire.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { openEventSource } from '../support/event-source.ts';
import {
  openReader,
  taskOf,
  type FeedReader,
  type OpenReaderOptions,
  type ReceivedFrame,
  type Screen,
} from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import {
  copyOf,
  entriesChangeNothing,
  isEntry,
  playFrames,
  rawEntries,
} from '../support/reader-promise.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { EVENTFUL, EVENTFUL_LOG, saying, scriptEventful, scriptHalves } from './feed-runs.ts';

const FIRST = 'Whatever is asked next 🧶, ';
const SECOND = 'it is one feed.';

const newConversation = () => `conv_${randomUUID().replaceAll('-', '')}`;
const feedOf = (conversation: string) => `/v1/conversations/${conversation}/events`;

/** A conversation's frames of one task. */
function of(frames: readonly ReceivedFrame[], { id }: Task): ReceivedFrame[] {
  return frames.filter((frame) => taskOf(frame) === id);
}

function hasEnd(frames: readonly ReceivedFrame[], { id }: Task): boolean {
  return frames.some(
    ({ frame }) => isEntry(frame) && frame.task_id === id && isTerminalEvent(frame),
  );
}

function typesOf(frames: readonly ReceivedFrame[]): string[] {
  return frames.flatMap(({ frame }) => (isEntry(frame) ? [frame.type] : []));
}

describe.each(RELAY_MOODS)('with a %s relay', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const start = (conversation_id: string, { model }: { model: string } = scriptEventful(rig)) =>
    rig.start({ input: 'What is 17*23?', model, conversation_id });

  const read = (conversation: string, options: OpenReaderOptions & { query?: string } = {}) =>
    openReader(`${rig.url}${feedOf(conversation)}${options.query ?? ''}`, {
      screens: new Map(),
      ...options,
    });

  it.concurrent(
    'F1 F3 gives all tasks of a conversation, and nothing of another one; filtered replay included',
    async () => {
      const [conversation, other] = [newConversation(), newConversation()];
      const first = await start(conversation);
      await start(other);
      const reader = await read(conversation);
      await reader.untilTrue(() => hasEnd(reader.frames, first));
      const second = await start(conversation);
      await reader.untilTrue(() => hasEnd(reader.frames, second));
      const [late, entries] = await Promise.all([
        read(conversation),
        read(conversation, { query: '?deltas=false' }),
      ]);
      for (const one of [late, entries]) {
        await one.untilTrue(() => hasEnd(one.frames, second));
        one.drop();
        expect(rawEntries(one.frames)).toEqual(rawEntries(reader.frames));
        expect([...one.screens]).toEqual([...reader.screens]);
      }
      expect(entries.frames.every(({ frame }) => isEntry(frame))).toBe(true);
      reader.drop();
      expect(typesOf(reader.frames)).toEqual([...EVENTFUL_LOG, ...EVENTFUL_LOG]);
      for (const task of [first, second]) {
        expect(entriesChangeNothing(of(reader.frames, task), EVENTFUL)).toBe(true);
      }
    },
  );

  it.concurrent('F2 F3 gives a late reader the text so far of the task at work', async () => {
    const conversation = newConversation();
    const before = await start(conversation, rig.script([{ say: 'Before.' }]));
    await rig.untilEnd(before.id);
    const half = gate();
    const task = await start(conversation, scriptHalves(rig, half, [FIRST, SECOND]));
    await half.reached;
    const late = await read(conversation);
    await late.untilTrue(() => late.screens.get(task.id)?.text(1) === FIRST);
    half.open();
    await late.untilTrue(() => hasEnd(late.frames, task));
    late.drop();
    expect(late.screens.get(before.id)?.text(1)).toBe('Before.');
    playFrames(of(late.frames, task), saying(FIRST + SECOND));
    expect(late.screens.get(task.id)?.text(1)).toBe(FIRST + SECOND);
  });

  it.concurrent(
    'F7 goes on exactly after any frame of a conversation, live and later',
    async () => {
      const conversation = newConversation();
      const first = await start(conversation);
      const uncut = await read(conversation);
      const resumed: FeedReader[] = [];
      /** Another reader for each frame, as soon as the first one has it. */
      const resumeUntil = async (task: Task) => {
        while (!hasEnd(uncut.frames.slice(0, resumed.length), task)) {
          await uncut.untilTrue(() => uncut.frames.length > resumed.length);
          const seen = uncut.frames.slice(0, resumed.length + 1);
          resumed.push(await read(conversation, { cursor: seen.at(-1)?.id, screens: shown(seen) }));
        }
      };
      await resumeUntil(first);
      const second = await start(conversation);
      await resumeUntil(second);
      const tasks = [first, second];
      for (const [index, reader] of resumed.entries()) {
        const isLast = index === resumed.length - 1;
        if (!isLast) await reader.untilTrue(() => hasEnd(reader.frames, second));
        reader.drop();
        expectSameFrom(uncut.frames, reader.frames, { index, tasks });
        if (isLast) continue;
        const again = await read(conversation, { cursor: uncut.frames[index]?.id });
        await again.untilTrue(() => hasEnd(again.frames, second));
        again.drop();
        expect(rawEntries(again.frames)).toEqual(rawEntries(uncut.frames.slice(index + 1)));
      }
      uncut.drop();
    },
  );

  it.concurrent.each([1, 4])(
    'F3 F7 holds for a stock EventSource on a conversation that is cut after every %i frames',
    async (framesPerConnection) => {
      await using proxy = await startCuttingProxy({ target: rig.url, framesPerConnection });
      const conversation = newConversation();
      const first = await start(conversation);
      using source = openEventSource(`${proxy.url}${feedOf(conversation).slice(1)}`);
      source.closed.catch(() => undefined);
      await rig.untilEnd(first.id);
      const second = await start(conversation);
      await eventually(() => hasEnd(source.frames, second), 'the source to have everything');
      const uncut = await read(conversation);
      await uncut.untilTrue(() => hasEnd(uncut.frames, second));
      uncut.drop();
      expect(rawEntries(source.frames)).toEqual(rawEntries(uncut.frames));
      for (const task of [first, second]) {
        const held = playFrames(of(source.frames, task), EVENTFUL);
        expect(held.at(-1)?.screen).toEqual(uncut.screens.get(task.id));
      }
      expect(proxy.requests).toBeGreaterThanOrEqual(source.frames.length / framesPerConnection);
    },
  );
});

/** The screens of a reader that was given these frames. */
function shown(frames: readonly ReceivedFrame[]): Map<string, Screen> {
  const ids = new Set(frames.map((frame) => taskOf(frame) ?? ''));
  return new Map(
    [...ids].map((id) => {
      const held = playFrames(
        frames.filter((frame) => taskOf(frame) === id),
        EVENTFUL,
      ).at(-1);
      return [id, copyOf(held?.screen as Screen)];
    }),
  );
}

/** What came behind frame `index` is what the uncut reader got: the same entries, and the same screen at each step's own. */
function expectSameFrom(
  uncut: readonly ReceivedFrame[],
  frames: readonly ReceivedFrame[],
  { index, tasks }: { index: number; tasks: readonly Task[] },
): void {
  expect(rawEntries(frames)).toEqual(rawEntries(uncut.slice(index + 1)));
  for (const task of tasks) {
    const held = playFrames(of(uncut.slice(0, index + 1), task), EVENTFUL).at(-1);
    const screens = (after: readonly ReceivedFrame[]) => {
      const own = of(after, task);
      return playFrames(own, EVENTFUL, held).filter((_, place) => {
        const frame = own[place]?.frame;
        return frame && isEntry(frame) && (isStepEntry(frame) || isTerminalEvent(frame));
      });
    };
    const [got, expected] = [screens(frames), screens(uncut.slice(index + 1))];
    expect(got.map(({ screen }) => screen)).toEqual(expected.map(({ screen }) => screen));
  }
}
