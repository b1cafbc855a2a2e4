import type { CancelResult } from '../store/store.ts';
import { announceEnd } from './announce-end.ts';
import type { RunsDeps } from './dependencies.ts';

/** `isSent`: false where Temporal does not know of it yet, and the reconciler sends it again. */
export type SentCancel = CancelResult & { isSent: boolean };

/** Carries out a cancel that stands in the record: stops the run, or announces the end of a task that had not begun. */
export async function carryOut(deps: RunsDeps, result: CancelResult): Promise<SentCancel> {
  if (result.kind === 'already_terminal') return { ...result, isSent: true };
  const sending = sendCancel(deps, result.task.id).then(
    () => true,
    () => false,
  );
  if (result.kind === 'ended') await announceEnd(deps, result);
  return { ...result, isSent: await sending };
}

/**
 * Tells Temporal of a recorded cancel. The bell rings only after Temporal has accepted it, so that history shows the request
 * before the clean-up. Throws where Temporal or the store cannot be reached.
 */
export async function sendCancel({ store, relay, runs }: RunsDeps, taskId: string): Promise<void> {
  await runs.cancel(taskId);
  relay.publish(taskId, { kind: 'cancel' });
  await store.markCancelSent(taskId);
}
