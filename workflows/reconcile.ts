import { sweep } from './activity-proxies.ts';

/** One shift of the reconciler. A schedule starts the next one when it ends, so that no process has to be elected. */
export async function reconcile(): Promise<void> {
  await sweep();
}
