import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPacer } from '../../../api/feed/pacer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Where a pause of one second has got to. */
function pauseOf(pacer = createPacer()) {
  const pause = { pacer, full: null as boolean | null };
  void pacer.pause(1_000).then((full) => (pause.full = full));
  return pause;
}

describe('a pause', () => {
  it('takes its full time where nobody hastens it', async () => {
    const pause = pauseOf();
    await vi.advanceTimersByTimeAsync(999);
    expect(pause.full).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(pause.full).toBe(true);
  });

  it('ends at once when it is hastened by 0', async () => {
    const pause = pauseOf();
    pause.pacer.hasten(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(pause.full).toBe(false);
  });

  it('ends at the soonest of what it is hastened to', async () => {
    const pause = pauseOf();
    pause.pacer.hasten(300);
    pause.pacer.hasten(600);
    await vi.advanceTimersByTimeAsync(299);
    expect(pause.full).toBeNull();
    pause.pacer.hasten(300);
    await vi.advanceTimersByTimeAsync(1);
    expect(pause.full).toBe(false);
  });

  it('is not made longer', async () => {
    const pause = pauseOf();
    pause.pacer.hasten(5_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pause.full).toBe(true);
  });

  it('remembers what was asked for before it began, once', async () => {
    const pacer = createPacer();
    pacer.hasten(0);
    const first = pauseOf(pacer);
    await vi.advanceTimersByTimeAsync(0);
    expect(first.full).toBe(false);
    const second = pauseOf(pacer);
    await vi.advanceTimersByTimeAsync(999);
    expect(second.full).toBeNull();
  });
});
