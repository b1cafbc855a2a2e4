import type { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Relay } from '../relay/relay.ts';
import { spreadTreeCancel } from '../store/spread-tree-cancel.ts';
import type { CancelResult } from '../store/store.ts';
import type { TreeCancel } from '../store/tree-store.ts';
import { callTemporal } from './call-temporal.ts';
import { startNext, type StartRunDeps } from './start-run.ts';
import { tellParent } from './tell-parent.ts';

export interface CancelDeps extends StartRunDeps {
  relay: Relay;
}

/**
 * Cancels a task and all that is below it. False: nothing there runs any more, or the task is absent. What does not reach Temporal is
 * recorded, and the reconciler sends it again.
 */
export async function cancelTree(
  deps: CancelDeps,
  context: Context,
  cancel: TreeCancel,
): Promise<boolean> {
  const root = await deps.store.requestTreeCancel(cancel.id, cancel.owner, cancel.request);
  if (!root) return false;
  const below = root.goesOn ? await spreadTreeCancel(deps.store, cancel) : [];
  const results = [root, ...below];
  await Promise.all(results.map((result) => carryOut(deps, context, result)));
  return results.some(({ kind }) => kind !== 'already_terminal');
}

async function carryOut(deps: CancelDeps, context: Context, result: CancelResult): Promise<void> {
  if (result.kind === 'already_terminal') return;
  await announceEnd(deps, context, result);
  await sendCancel(deps, context, result.task.id).catch(() => undefined);
}

/** A task that has ended by its cancel alone: readers and its parent are told, and whoever waits for its turn begins. */
export async function announceEnd(
  deps: CancelDeps,
  context: Context,
  result: CancelResult,
): Promise<void> {
  if (result.kind !== 'ended') return;
  deps.relay.publish(result.task.id, { kind: 'end' });
  await startNext(deps, context, result.next);
  await tellParent(deps.store, context, result.task).catch(() => undefined);
}

/** Tells Temporal of a recorded cancel. Throws where it cannot be reached. */
export async function sendCancel(
  { store, relay }: CancelDeps,
  { client }: Context,
  taskId: string,
): Promise<void> {
  try {
    await callTemporal(client, () => client.workflow.getHandle(taskId).cancel());
  } catch (error) {
    // Closed or never started: there is nothing to cancel any more.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  relay.publish(taskId, { kind: 'cancel' });
  await store.markCancelSent(taskId);
}
