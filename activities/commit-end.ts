import type { Metrics } from '../metrics/create-metrics.ts';
import { TaskAbsent } from '../store/errors.ts';

/**
 * Stores the end of a task by `commit`, and counts a failure, whatever has stood in its way. Whoever calls tries again. A
 * task that is not in the store has no end to be stored.
 */
export async function commitEnd<T>(
  commit: () => Promise<T>,
  { endCommitFailures }: Pick<Metrics, 'endCommitFailures'>,
): Promise<T> {
  try {
    return await commit();
  } catch (error) {
    if (!(error instanceof TaskAbsent)) endCommitFailures.inc();
    throw error;
  }
}
