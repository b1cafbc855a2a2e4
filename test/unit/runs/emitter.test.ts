import { describe, expect, it } from 'vitest';
import { createEmitter } from '../../../activities/emitter.ts';
import type { EmittedEvents } from '../../../contract/run-messages.ts';

type Batch = Pick<EmittedEvents, 'from' | 'events'>;

/** An emitter, and what it sends; a batch arrives once `arrive` lets it. */
function open(arrive: () => Promise<void> = () => Promise.resolve()) {
  const batches: Batch[] = [];
  const emitter = createEmitter(async (batch) => {
    batches.push(batch);
    await arrive();
  });
  return { batches, ...emitter };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const payloads = ({ events }: Batch) => events.map(({ payload }) => payload);

describe('what a tool emits', () => {
  it('goes together where it comes in one go', async () => {
    const { batches, emit, close } = open();
    for (const n of numbers(1, 100)) emit('tick', n);
    await close();
    expect(batches.map(({ from }) => from)).toEqual([1]);
    expect(batches.flatMap(payloads)).toEqual(numbers(1, 100));
  });

  it('goes in order, one batch after the other, and all of it before the call is over', async () => {
    const arrivals = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let asked = 0;
    const { batches, emit, close } = open(() => arrivals[asked++]?.promise ?? Promise.resolve());
    emit('tick', 1);
    await expect.poll(() => batches.length).toBe(1);
    emit('tick', 2);
    emit('tick', 3);
    let closed = false;
    const closing = close().then(() => (closed = true));
    expect([batches.length, closed]).toEqual([1, false]);
    for (const { resolve } of arrivals) resolve();
    await closing;
    expect(batches.map((batch) => [batch.from, payloads(batch)])).toEqual([
      [1, [1]],
      [2, [2, 3]],
    ]);
  });

  it('goes on after a while in which nothing was said', async () => {
    const { batches, emit, close } = open();
    emit('tick', 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    emit('tick', 2);
    await expect.poll(() => batches.length).toBe(2);
    await close();
    expect(batches.map(({ from }) => from)).toEqual([1, 2]);
  });

  it('is parted where it is large', async () => {
    const { batches, emit, close } = open();
    const large = 'x'.repeat(60_000);
    for (let n = 0; n < 5; n += 1) emit('large', large);
    await close();
    expect(batches.map(({ from }) => from)).toEqual([1, 3, 5]);
  });

  it('is made clean', async () => {
    const { batches, emit, close } = open();
    emit('a\u0000', { 'b\uD800': undefined, c: ['\uDC00'] });
    emit('nothing');
    await close();
    expect(batches.flatMap(({ events }) => events)).toEqual([
      { event_type: 'a\uFFFD', payload: { c: ['\uFFFD'] } },
      { event_type: 'nothing', payload: null },
    ]);
  });

  it.each<[string, unknown, string]>([
    ['', 1, '1 to 64 characters'],
    ['t'.repeat(65), 1, '1 to 64 characters'],
    ['function', () => 1, 'must be JSON'],
    ['large', 'x'.repeat(65_536), 'at most 65536 bytes'],
  ])('is refused where it is malformed: %s', async (type, payload, problem) => {
    const { batches, emit, close } = open();
    expect(() => emit(type, payload)).toThrow(problem);
    await close();
    expect(batches).toEqual([]);
  });

  it('is refused where it is too much for the history of a run', async () => {
    const { emit, close } = open();
    for (let n = 0; n < 10_000; n += 1) emit('tick');
    expect(() => emit('tick')).toThrow('may emit 10000 events');
    await close();
  });

  it('is dropped after the call is over', async () => {
    const { batches, emit, close } = open();
    await close();
    emit('tick');
    await close();
    expect(batches).toEqual([]);
  });

  it('fails the call where it cannot be brought to the run', async () => {
    const { emit, close } = open(() => Promise.reject(new Error('no way')));
    emit('tick');
    await expect(close()).rejects.toThrow('no way');
  });
});
