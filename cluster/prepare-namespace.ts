import { Connection, type WorkflowService } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';
import { ensureSearchAttributes } from '../worker/prepare-namespace.ts';

/** The frontend by its name in gRPC's health protocol, and what it says when it serves. */
const FRONTEND = 'temporal.api.workflowservice.v1.WorkflowService';
const SERVING = 1;
const CALL_MS = 5_000;

/** Asks again, also where the answer was an error, until it is true. Throws after a deadline. */
export type Until = (what: string, ask: () => Promise<boolean>) => Promise<void>;

/** Waits for a server that has just been started, and gives it a namespace that knows the search attributes. */
export async function prepareNamespace(
  address: string,
  namespace: string,
  until: Until,
): Promise<void> {
  const connection = Connection.lazy({
    address,
    // By default a server that is not up yet is looked for once a second, then more rarely.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 100 },
  });
  const { healthService, workflowService } = connection;
  const untilDone = (what: string, ask: () => Promise<boolean>) =>
    until(what, () => connection.withDeadline(Date.now() + CALL_MS, ask));
  try {
    await untilDone('the frontend to serve', async () => {
      const { status } = await healthService.check({ service: FRONTEND });
      return Number(status) === SERVING;
    });
    await untilDone('the namespace to be registered', async () => {
      await workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msToTs('1 day'),
      });
      return true;
    });
    await untilDone('the search attributes to be registered', async () => {
      await ensureSearchAttributes(connection, namespace);
      return true;
    });
    await untilDone('the search attributes to be known', () => isKnown(workflowService, namespace));
  } finally {
    await connection.close();
  }
}

/** Throws while a cache does not know an attribute yet. */
async function isKnown(workflowService: WorkflowService, namespace: string): Promise<boolean> {
  const query = Object.values(SEARCH_ATTRIBUTES)
    .map((name) => `${name} = 'none'`)
    .join(' AND ');
  await workflowService.countWorkflowExecutions({ namespace, query });
  return true;
}
