import { isGrpcServiceError, ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { RECONCILE_WORKFLOW, SEARCH_ATTRIBUTES } from '../contract/names.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
/** Of gRPC. */
const INVALID_ARGUMENT = 3;

const NAMES = Object.values(SEARCH_ATTRIBUTES);

/** The server does not let us register search attributes, as Temporal Cloud does not: an operator must. */
export class SearchAttributesMissing extends Error {
  override name = 'SearchAttributesMissing';
}

type Services = Pick<NativeConnection, 'operatorService' | 'workflowService'>;

/**
 * Registers the search attributes that are missing. Where none is, nothing is asked of the operator service, which is not
 * for users of Temporal Cloud. Throws `SearchAttributesMissing`.
 */
export async function ensureSearchAttributes(
  connection: Services,
  namespace: string,
): Promise<void> {
  if (await areKnown(connection, namespace)) return;
  try {
    await register(connection, namespace);
  } catch (cause) {
    const what = `the search attributes ${NAMES.join(', ')} (Keyword)`;
    throw new SearchAttributesMissing(`Create ${what} in ${namespace}: ${String(cause)}`, {
      cause,
    });
  }
}

/** The server refuses a query with an attribute that it does not know. */
async function areKnown({ workflowService }: Services, namespace: string): Promise<boolean> {
  const query = NAMES.map((name) => `${name} = 'none'`).join(' and ');
  try {
    await workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === INVALID_ARGUMENT) return false;
    throw error;
  }
}

async function register({ operatorService }: Services, namespace: string): Promise<void> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = NAMES.filter((name) => !(name in (customAttributes ?? {})));
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
  });
}

/** A task queue's reconciler: one shift follows the other. Any number of workers may ask for it; the first one sets how often. */
export async function ensureReconciler(
  client: Client,
  taskQueue: string,
  everySeconds: number,
): Promise<void> {
  const scheduleId = `holdfast-reconcile-${taskQueue}`;
  try {
    await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: everySeconds * 1_000 }] },
      // Where a shift lasts longer than the interval the next one is kept waiting, and begins when it ends.
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
