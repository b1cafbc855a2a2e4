import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pLimit from 'p-limit';

/** Tasks whose histories are deleted at once: a conversation may have many. */
const MAX_AT_ONCE = 32;

/** Asks Temporal, with a deadline. */
type Within = <T>(ask: () => Promise<T>) => Promise<T>;

/** Deletes the histories of a closed workflow: of its newest run, and of those that it has continued or that were reset. */
export function createForgetRuns(
  client: () => Client,
  within: Within,
): (workflowId: string) => Promise<void> {
  const atOnce = pLimit(MAX_AT_ONCE);

  async function runIdsOf(workflowId: string): Promise<Set<string>> {
    const newest = await within(() => client().workflow.getHandle(workflowId).describe());
    const runIds = new Set([newest.runId]);
    // Only then is visibility asked, which takes few requests a second.
    if (newest.raw.workflowExecutionInfo?.firstRunId === newest.runId) return runIds;
    const query = `WorkflowId = '${workflowId}'`;
    await within(async () => {
      for await (const { runId } of client().workflow.list({ query })) runIds.add(runId);
    });
    return runIds;
  }

  async function forget(workflowId: string): Promise<void> {
    const { workflowService, options } = client();
    const { namespace } = options;
    for (const runId of await runIdsOf(workflowId)) {
      const workflowExecution = { workflowId, runId };
      await within(() => workflowService.deleteWorkflowExecution({ namespace, workflowExecution }));
    }
  }

  return (workflowId) =>
    atOnce(() =>
      forget(workflowId).catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }),
    );
}
