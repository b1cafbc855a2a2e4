import { spreadTreeCancel } from '../store/spread-tree-cancel.ts';
import type { TreeCancel } from '../store/tree-store.ts';
import { carryOut, type SentCancel } from './cancel-run.ts';
import type { RunsDeps } from './dependencies.ts';

/**
 * Cancels a task and all that is below it, and gives its own cancel first. The root's row comes first too: from then on nothing is
 * started below it. Null: it is absent or another owner's.
 */
export async function cancelTree(
  deps: RunsDeps,
  cancel: TreeCancel,
): Promise<[SentCancel, ...SentCancel[]] | null> {
  const root = await deps.store.requestTreeCancel(cancel.id, cancel.owner, cancel.request);
  if (!root) return null;
  const [own, below] = await Promise.all([
    carryOut(deps, root),
    root.goesOn ? cancelBelow(deps, cancel) : [],
  ]);
  return [own, ...below];
}

/** Cancels all below the root of a tree whose cancel is recorded. Where this breaks off, the reconciler does it again. */
export async function cancelBelow(deps: RunsDeps, cancel: TreeCancel): Promise<SentCancel[]> {
  const results = await spreadTreeCancel(deps.store, cancel);
  return Promise.all(results.map((result) => carryOut(deps, result)));
}
