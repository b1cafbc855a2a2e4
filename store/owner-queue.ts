/**
 * Does the work of each owner in turn. The lock of `lockOwner` sees to that for all processes; whoever waits for it here
 * holds no connection meanwhile, which others need.
 */
export function createOwnerQueue(): <T>(owner: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (owner, work) => {
    const result = (last.get(owner) ?? Promise.resolve()).then(work);
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (last.get(owner) === settled) last.delete(owner);
      });
    last.set(owner, settled);
    return result;
  };
}
