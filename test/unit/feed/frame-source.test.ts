import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFrameSource } from '../../../api/feed/frame-source.ts';
import type { SseFrame } from '../../../api/sse.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream whose reader is told of a change each second, whether or not there is anything for it. */
function openStream() {
  const frames: SseFrame[] = [];
  let sent = 0;
  const source = createFrameSource(
    {
      take: () => frames.splice(0),
      onChange(listener) {
        const timer = setInterval(listener, 1_000);
        return () => clearInterval(timer);
      },
    },
    {
      over: new AbortController().signal,
      sent: (count) => (sent += count),
      end: () => undefined,
    },
  );
  return { source, frames, sent: () => sent };
}

it('gives a stream without frames the time for its comment, however much changes that it is not given', async () => {
  const { source, sent } = openStream();
  let given: unknown = null;
  const taken = source.next(15_000).then((frames) => (given = frames));
  await vi.advanceTimersByTimeAsync(14_900);
  expect(given).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect(given).toEqual([]);
  expect(sent()).toBe(0);
  source.close();
  await taken;
});

it('gives what comes at the change that brings it', async () => {
  const { source, frames, sent } = openStream();
  const taken = source.next(15_000);
  await vi.advanceTimersByTimeAsync(2_500);
  frames.push({ id: 't:1', data: '1' });
  await vi.advanceTimersByTimeAsync(500);
  expect(await taken).toEqual([{ id: 't:1', data: '1' }]);
  expect(sent()).toBe(1);
  source.close();
});
