import { StoreUnavailable } from './errors.ts';

/** Work that has waited for so long is refused: whoever asked for it may have given up, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/**
 * Does the work of each owner in turn. The lock of `lockOwner` sees to that for all processes; whoever waits for it here
 * holds no connection meanwhile, which others need. Throws `StoreUnavailable` where its turn does not come in time.
 */
export function createOwnerQueue(): <T>(owner: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (owner, work) => {
    const queuedAt = performance.now();
    const result = (last.get(owner) ?? Promise.resolve()).then(() => {
      if (performance.now() - queuedAt > MAX_WAIT_MS) {
        throw new StoreUnavailable('The database did not take the work before this one in time.');
      }
      return work();
    });
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (last.get(owner) === settled) last.delete(owner);
      });
    last.set(owner, settled);
    return result;
  };
}
