import { afterEach, expect, it, vi } from 'vitest';
import { StoreUnavailable } from '../../store/errors.ts';
import { createOwnerQueue } from '../../store/owner-queue.ts';

afterEach(() => vi.useRealTimers());

/** A queue of texts, of which those with the same first letter go together; each is answered in capitals. */
function queueOfTexts() {
  const done: string[] = [];
  const queue = createOwnerQueue<string, string>({
    goesWith: (text, before) => before.every((other) => other[0] === text[0]),
    work: (texts) => {
      done.push(texts.join(' '));
      return Promise.allSettled(texts.map(capitals));
    },
  });
  return { ...queue, done };
}

async function capitals(text: string): Promise<string> {
  await Promise.resolve();
  if (text.endsWith('!')) throw new Error(`refused: ${text}`);
  return text.toUpperCase();
}

/** Work that goes on until it is let go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { work: () => promise, letGo: () => resolve('held') };
}

it('does the work of one owner in turn, past a failure, and does not let another owner wait', async () => {
  const { alone, together, done } = queueOfTexts();
  const { work, letGo } = held();
  const first = alone('a', work);
  const failing = alone('a', () => Promise.reject(new Error('no')));
  const last = together('a', 'x');
  expect(await together('b', 'y')).toBe('Y');
  expect(done).toEqual(['y']);
  letGo();
  expect(await first).toBe('held');
  await expect(failing).rejects.toThrow('no');
  expect(await last).toBe('X');
  expect(done).toEqual(['y', 'x']);
});

it('works together on what waits and goes together, and answers each by itself', async () => {
  const { alone, together, done } = queueOfTexts();
  const { work, letGo } = held();
  const first = alone('a', work);
  const some = ['a1', 'a2!', 'a3', 'b1', 'a4'].map((text) => together('a', text));
  const between = alone('a', () => Promise.resolve(done.push('alone')));
  const more = ['a5', 'a6'].map((text) => together('a', text));
  letGo();
  const outcomes = await Promise.allSettled([...some, ...more]);
  await Promise.all([first, between]);
  expect(done).toEqual(['a1 a2! a3', 'b1', 'a4', 'alone', 'a5 a6']);
  const values = outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value);
  expect(values).toEqual(['A1', false, 'A3', 'B1', 'A4', 'A5', 'A6']);
});

it('refuses whoever has waited for ten seconds, and nobody who came later', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { alone, together, done } = queueOfTexts();
  const { work, letGo } = held();
  const first = alone('a', work);
  const early = together('a', 'a1');
  vi.advanceTimersByTime(6_000);
  const late = together('a', 'a2');
  vi.advanceTimersByTime(6_000);
  letGo();
  expect(await first).toBe('held');
  await expect(early).rejects.toBeInstanceOf(StoreUnavailable);
  expect(await late).toBe('A2');
  expect(done).toEqual(['a2']);
});
