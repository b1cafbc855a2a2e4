import { describe, expect, it } from 'vitest';
import { MAX_OPEN } from '../../../api/feed/group-cursor.ts';
import type { GroupReader } from '../../../api/feed/group-reader.ts';
import { taskOf, type ReceivedFrame } from '../../support/feed-reader.ts';
import { playFrames } from '../../support/reader-promise.ts';
import { eventually } from '../../support/within.ts';
import { answered, FAILED, STARTED, stepStarted, text } from './events.ts';
import { createWorld, takeAll, type World } from './group-world.ts';

const WORDS = 'Nothing is lost 🧵 or said twice.';
const SPOKEN = new Map([['1.1', [text(WORDS)]]]);
const BEGUN = [STARTED, stepStarted()];
const DONE = [answered(1, text(WORDS)), FAILED];

/** Three tasks at work at once, and a fourth that comes when one has ended; a move at a time. */
const MOVES: ((world: World) => unknown)[] = [
  (world) => world.accept(),
  (world) => world.accept(),
  (world) => world.log(2, ...BEGUN),
  (world) => world.say(2, 0, WORDS.slice(0, 9)),
  (world) => world.log(1, ...BEGUN),
  (world) => world.say(1, 0, WORDS.slice(0, 20)),
  (world) => world.say(2, 9, WORDS.slice(9, 20)),
  (world) => world.accept(),
  (world) => world.log(3, ...BEGUN),
  (world) => world.say(1, 20, WORDS.slice(20, 25)),
  (world) => world.log(2, ...DONE),
  (world) => world.say(3, 0, WORDS.slice(0, 1)),
  (world) => world.accept(),
  (world) => world.log(4, ...BEGUN, ...DONE),
  (world) => world.log(1, ...DONE),
  (world) => world.say(3, 1, WORDS.slice(1)),
  (world) => world.log(3, ...DONE),
];

/** Frames of the tasks, as `task.seq` or `task.text`. */
function told(frames: readonly ReceivedFrame[]): string[] {
  return frames.map((received) => {
    const { frame } = received;
    const what =
      'data' in frame ? frame.seq : frame.type === 'turn.delta' ? frame.text : frame.type;
    return `${taskOf(received)?.slice('task_'.length)}.${what}`;
  });
}

function framesOf(frames: readonly ReceivedFrame[], id: string): ReceivedFrame[] {
  return frames.filter((frame) => taskOf(frame) === id);
}

async function untilTaken(reader: GroupReader, count: number): Promise<ReceivedFrame[]> {
  const frames: ReceivedFrame[] = [];
  return eventually(async () => {
    frames.push(...takeAll(reader));
    return frames.length >= count && frames;
  }, `${count} frames`);
}

/**
 * Makes all moves, and reads after each, with a reader that is cut off after `cut` frames and comes back behind them. A task
 * that has just been accepted is waited for, so that each time is like the other.
 */
async function playCut(cut: number, deltas = true): Promise<ReceivedFrame[]> {
  const world = createWorld();
  const frames: ReceivedFrame[] = [];
  let reader = await world.read('0', deltas);
  let wasCut = false;
  const read = async () => {
    frames.push(...takeAll(reader));
    if (wasCut || frames.length < cut) return;
    wasCut = true;
    frames.length = cut;
    reader.close();
    reader = await world.read(frames.at(-1)?.id, deltas);
    frames.push(...takeAll(reader));
  };
  let known = 0;
  for (const move of MOVES) {
    const number = move(world);
    if (typeof number === 'number') {
      known = number;
      await eventually(async () => {
        await read();
        return framesOf(frames, world.idOf(known)).length > 0;
      }, `task ${known} to join`);
    }
    await read();
  }
  reader.close();
  expect(world.leases()).toBe(0);
  return frames;
}

describe('the feed of several tasks at work at once', () => {
  it('gives each task’s frames in their order, and is cut and resumed after every one of them', async () => {
    const uncut = await playCut(Infinity);
    expect(uncut.length).toBeGreaterThan(25);
    for (let cut = 1; cut <= uncut.length; cut += 1) {
      const frames = await playCut(cut);
      for (const id of ['task_1', 'task_2', 'task_3', 'task_4']) {
        const held = playFrames(framesOf(frames, id), SPOKEN);
        expect([cut, id, held.at(-1)?.seq]).toEqual([cut, id, 5]);
        expect(held.at(-1)?.screen.text(1)).toBe(WORDS);
      }
    }
  });

  it('gives the entries alone to readers who ask for that, also in the middle of a step', async () => {
    const entries = await playCut(7, false);
    expect(entries.every(({ frame }) => 'data' in frame)).toBe(true);
    expect(entries).toHaveLength(20);
    const world = createWorld();
    world.log(world.accept(), ...BEGUN);
    world.say(1, 0, WORDS);
    const whole = await world.read('0');
    const cursor = takeAll(whole).at(-1)?.id;
    const quiet = await world.read(cursor, false);
    world.log(1, ...DONE);
    expect(told(takeAll(quiet))).toEqual(['1.4', '1.5']);
    expect(told(takeAll(whole))).toEqual(['1.4', '1.5']);
    quiet.close();
    whole.close();
  });

  it('gives those that have ended whole and one after the other, ahead of those behind them', async () => {
    const world = createWorld();
    const at = [world.accept(), world.accept(), world.accept(), world.accept()];
    for (const number of at) world.log(number, ...BEGUN);
    for (const number of [2, 3]) world.log(number, ...DONE);
    world.say(4, 0, 'Hm');
    const reader = await world.read('0');
    expect(told(takeAll(reader))).toEqual([
      ...['1.1', '1.2', '1.3'],
      ...['2.1', '2.2', '2.3', '2.4', '2.5'],
      ...['3.1', '3.2', '3.3', '3.4', '3.5'],
      ...['4.1', '4.2', '4.3', '4.Hm'],
    ]);
    reader.close();
  });

  it('gives the end of a task before those that were accepted after it, though its hub has not heard of it', async () => {
    const world = createWorld();
    world.log(world.accept(), ...BEGUN);
    const reader = await world.read('0');
    takeAll(reader);
    world.endUnheard(1, ...DONE);
    world.accept();
    expect(told(await untilTaken(reader, 4))).toEqual([`1.${WORDS}`, '1.4', '1.5', '2.1']);
    const again = await world.read(reader.cursor());
    expect(takeAll(again)).toEqual([]);
    for (const one of [again, reader]) one.close();
    expect(world.leases()).toBe(0);
  });

  it('gives tasks in turn, so that none waits for a talkative one', async () => {
    const world = createWorld();
    for (const number of [world.accept(), world.accept()]) world.log(number, ...BEGUN);
    const reader = await world.read('0');
    takeAll(reader);
    world.say(1, 0, 'a');
    world.say(2, 0, 'b');
    reader.take();
    world.say(1, 1, 'a');
    expect(told(takeAll(reader))).toEqual(['2.b', '1.a']);
    reader.close();
  });

  it('has a place for so many, and the others wait for theirs', async () => {
    const world = createWorld();
    const numbers = Array.from({ length: MAX_OPEN + 3 }, () => world.accept());
    const reader = await world.read('0');
    expect(told(takeAll(reader))).toHaveLength(MAX_OPEN);
    expect(reader.isSettled()).toBe(true);
    world.log(7, ...BEGUN, ...DONE);
    const more = await untilTaken(reader, 5);
    expect(told(more).slice(0, 5)).toEqual(['7.2', '7.3', '7.4', '7.5', `${MAX_OPEN + 1}.1`]);
    const again = await world.read(more.at(-1)?.id);
    expect(takeAll(again)).toEqual([]);
    for (const number of numbers) if (number !== 7) world.log(number, ...BEGUN, ...DONE);
    for (const one of [reader, again]) {
      const rest = await untilTaken(one, MAX_OPEN * 4 + 2 * 5);
      expect(rest).toHaveLength(MAX_OPEN * 4 + 2 * 5);
      one.close();
    }
    expect(world.leases()).toBe(0);
  });

  it('finds tasks that nobody has announced', async () => {
    const world = createWorld();
    const reader = await world.read('0');
    world.accept({ announced: false });
    expect(told(await untilTaken(reader, 1))).toEqual(['1.1']);
    reader.close();
  });
});

describe('tasks that are forgotten', () => {
  it('before a reader comes back are left out', async () => {
    const world = createWorld();
    for (const number of [world.accept(), world.accept()]) world.log(number, ...BEGUN);
    const reader = await world.read('0');
    const cursor = takeAll(reader).at(-1)?.id;
    reader.close();
    world.forget(1);
    world.log(2, ...DONE);
    const again = await world.read(cursor);
    expect(told(takeAll(again))).toEqual(['2.4', '2.5']);
    again.close();
  });

  it('give their place away, but for one whose whole log is known', async () => {
    const world = createWorld();
    for (const number of [world.accept(), world.accept()]) world.log(number, ...BEGUN);
    const reader = await world.read('0');
    takeAll(reader);
    world.log(2, ...DONE);
    world.forget(1);
    world.forget(2);
    await eventually(async () => world.leases() === 1, 'the forgotten task to be let go');
    expect(told(takeAll(reader))).toEqual([`2.${WORDS}`, '2.4', '2.5']);
    expect(world.leases()).toBe(0);
    reader.close();
  });
});

describe('a task whose hub has heard that it was forgotten', () => {
  it('ends nobody’s stream, and those behind it have their turn', async () => {
    const world = createWorld();
    for (const number of [world.accept(), world.accept()]) world.log(number, ...BEGUN);
    const reader = await world.read('0');
    takeAll(reader);
    world.log(2, ...DONE);
    world.forget(1, { heard: true });
    expect(told(takeAll(reader))).toEqual([`2.${WORDS}`, '2.4', '2.5']);
    expect(world.leases()).toBe(0);
    reader.close();
  });
});

describe('a cursor ahead', () => {
  it('of all tasks is refused, and of a task’s log', async () => {
    const world = createWorld();
    world.log(world.accept(), ...BEGUN);
    world.accept();
    const refused = { code: 'cursor_ahead' };
    await expect(world.read(cursorOf('3'))).rejects.toMatchObject(refused);
    await expect(world.read(cursorOf('2;1.4;0.1'))).rejects.toMatchObject(refused);
    expect(world.leases()).toBe(0);
  });
});

it('goes on with the tasks that have joined while the store is gone, and joins others when it is back', async () => {
  const world = createWorld();
  world.log(world.accept(), ...BEGUN);
  const reader = await world.read('0');
  takeAll(reader);
  world.cutStore(true);
  world.accept();
  world.say(1, 0, 'Hm');
  expect(told(takeAll(reader))).toEqual(['1.Hm']);
  await eventually(() => world.refusals() > 0, 'the store to be asked');
  world.cutStore(false);
  expect(told(await untilTaken(reader, 1))).toEqual(['2.1']);
  reader.close();
});

function cursorOf(plain: string): string {
  return `conv_1:${Buffer.from(plain).toString('base64url')}`;
}
