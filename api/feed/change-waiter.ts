import type { Hub } from './hub.ts';

/** Waits for a hub's changes, for one reader. Must be closed. */
export interface ChangeWaiter {
  /** Resolves at the next change, or once the reader's time is over. False: nothing came within `waitMs`. */
  changed(waitMs?: number): Promise<boolean>;
  close(): void;
}

export function createChangeWaiter(hub: Hub, over: AbortSignal): ChangeWaiter {
  let wake = (_changed: boolean) => {};
  const ring = () => wake(true);
  const unsubscribe = hub.onChange(ring);
  over.addEventListener('abort', ring, { once: true });
  return {
    changed(waitMs) {
      if (over.aborted) return Promise.resolve(true);
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
      over.removeEventListener('abort', ring);
      ring();
    },
  };
}
