import type { Hub } from './hub.ts';

/** Waits for changes of what a reader reads. Must be closed. */
export interface ChangeWaiter {
  /** Resolves at the next change, after `waitMs`, or once the reader's time is over. */
  changed(waitMs?: number): Promise<void>;
  /** Whether the reader's time is over. */
  isOver(): boolean;
  close(): void;
}

export function createChangeWaiter(source: Pick<Hub, 'onChange'>, over: AbortSignal): ChangeWaiter {
  let wake = () => {};
  const ring = () => wake();
  const unsubscribe = source.onChange(ring);
  // Kept here, because a signal that is made of others looks at all of them whenever it is asked.
  let isOver = over.aborted;
  const onAbort = () => {
    isOver = true;
    ring();
  };
  over.addEventListener('abort', onAbort, { once: true });
  return {
    isOver: () => isOver,
    changed(waitMs) {
      if (isOver) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = waitMs === undefined ? undefined : setTimeout(ring, waitMs);
        wake = () => {
          clearTimeout(timer);
          wake = () => {};
          resolve();
        };
      });
    },
    close() {
      unsubscribe();
      over.removeEventListener('abort', onAbort);
      ring();
    },
  };
}
