import type { Client, WorkflowHandle } from '@temporalio/client';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** The history of each workflow run of a workflow that has continued as new, from the first one on. Rejects where there is none. */
export async function historiesOf(client: Client, workflowId: string): Promise<History[]> {
  const histories: History[] = [];
  for (let runId: string | undefined; ;) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.unshift(history);
    const [first] = history.events ?? [];
    const former = first?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    if (!former) return histories;
    runId = former;
  }
}
