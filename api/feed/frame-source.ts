import type { SseFrame, SseSource } from '../sse.ts';
import { createChangeWaiter } from './change-waiter.ts';
import type { StreamPlace } from './stream-gate.ts';

/** Whatever a stream takes its frames from. */
export interface FrameTaker<F extends SseFrame = SseFrame> {
  /** What follows and is known; empty where nothing is. Null: nothing will follow. */
  take(): readonly F[] | null;
  /** Calls `listener` whenever more may be there to take, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/** A stream of what a taker gives, until that ends or the reader's time is over. `end` is called once, however it ends. */
export function createFrameSource(
  frames: FrameTaker,
  { over, sent, end }: Pick<StreamPlace, 'over' | 'sent'> & { end(): void },
): Pick<SseSource, 'next' | 'close'> {
  const waiter = createChangeWaiter(frames, over);
  return {
    async next(waitMs) {
      // Much may change that gives this reader nothing: its time goes on all the same.
      const until = performance.now() + waitMs;
      for (;;) {
        if (waiter.isOver()) return null;
        const taken = frames.take();
        if (taken === null) return null;
        if (taken.length > 0) {
          sent(taken.length);
          return taken;
        }
        const leftMs = until - performance.now();
        if (leftMs <= 0) return [];
        await waiter.changed(leftMs);
      }
    },
    close() {
      waiter.close();
      end();
    },
  };
}
