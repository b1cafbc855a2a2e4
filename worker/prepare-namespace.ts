import { ScheduleAlreadyRunning, type Client, type OperatorService } from '@temporalio/client';
import { RECONCILE_WORKFLOW, SEARCH_ATTRIBUTES } from '../contract/names.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

/** Registers the search attributes that are missing. Throws where the server does not allow it: then an operator must. */
export async function ensureSearchAttributes(
  { operatorService }: { operatorService: OperatorService },
  namespace: string,
): Promise<void> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter(
    (name) => !(name in (customAttributes ?? {})),
  );
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
  });
}

/** A task queue's reconciler: one shift follows the other. Any number of workers may ask for it. */
export async function ensureReconciler(client: Client, taskQueue: string): Promise<void> {
  const scheduleId = `holdfast-reconcile-${taskQueue}`;
  try {
    await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '1 minute' }] },
      // A shift lasts longer than the interval: the next one is kept waiting, and begins when it ends.
      policies: { overlap: 'BUFFER_ONE' },
      state: { triggerImmediately: true },
      action: {
        type: 'startWorkflow',
        workflowType: RECONCILE_WORKFLOW,
        workflowId: scheduleId,
        taskQueue,
        args: [],
        staticSummary: 'Starts, cancels and ends what was left lying.',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
