import type { Hub } from './hub.ts';

/** Waits for changes of what a reader reads. Must be closed. */
export interface ChangeWaiter {
  /** Resolves at the next change, or once the reader's time is over. False: nothing came within `waitMs`. */
  changed(waitMs?: number): Promise<boolean>;
  /** Whether the reader's time is over. */
  isOver(): boolean;
  close(): void;
}

export function createChangeWaiter(source: Pick<Hub, 'onChange'>, over: AbortSignal): ChangeWaiter {
  let wake = (_changed: boolean) => {};
  const ring = () => wake(true);
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
      if (isOver) return Promise.resolve(true);
      return new Promise((resolve) => {
        const timer = waitMs === undefined ? undefined : setTimeout(() => wake(false), waitMs);
        wake = (changed) => {
          clearTimeout(timer);
          wake = () => {};
          resolve(changed);
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
