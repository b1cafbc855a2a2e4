import type { CancelResult, Store } from './store.ts';
import type { TreeCancel } from './tree-store.ts';

/**
 * Records the cancel of a tree in every task below its root that has not ended, oldest first. Each is a transaction of its
 * own, which may be done twice: where this breaks off, the reconciler does it again.
 */
export async function spreadTreeCancel(
  store: Store,
  { id, owner, request }: TreeCancel,
): Promise<CancelResult[]> {
  const ids = await store.activeBelow(id);
  const results = await Promise.all(ids.map((below) => store.requestCancel(below, owner, request)));
  await store.settleTreeCancel(id);
  return results.filter((result) => result !== null);
}
