import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import {
  CancelledFailure,
  defaultPayloadConverter,
  WorkflowNotFoundError,
} from '@temporalio/common';
import { WorkflowStreamClient } from '@temporalio/workflow-streams/client';
import { serveRuns, StreamGone, type StreamEvent } from '../common/serve-runs.ts';
import { ADDRESS, TASK_QUEUE } from './settings.ts';
import type { agent } from './workflows.ts';

const client = new Client({ connection: await Connection.connect({ address: ADDRESS }) });

await serveRuns({
  async start(model) {
    const workflowId = `agent-${randomUUID()}`;
    const options = { workflowId, taskQueue: TASK_QUEUE, args: [model] as [string] };
    await client.workflow.start<typeof agent>('agent', options);
    return workflowId;
  },
  read: (runId, after) => read(runId, after === null ? 0 : Number(after) + 1),
  async cancel(runId) {
    await client.workflow.getHandle(runId).cancel();
  },
  async record(runId) {
    const handle = client.workflow.getHandle<typeof agent>(runId);
    const text = await handle.result().catch(() => null);
    const { status } = await handle.describe();
    return { status: status.name, text };
  },
});

/** Ends with the run, however it ends. Throws where the stream is gone with its workflow, or has gone before its end. */
async function* read(runId: string, offset: number): AsyncGenerator<StreamEvent> {
  const handle = client.workflow.getHandle(runId);
  const stream = WorkflowStreamClient.create(client, runId);
  let hasBegun = false;
  try {
    for await (const item of stream.subscribe(['delta', 'retry', 'close'], offset)) {
      hasBegun = true;
      if (item.topic === 'close') return await acknowledge(handle);
      if (item.topic === 'retry') {
        yield { id: item.offset, event: 'reset', data: '' };
      } else {
        const { text } = defaultPayloadConverter.fromPayload<{ text: string }>(item.data);
        yield { id: item.offset, data: text };
      }
    }
  } catch (error) {
    // What a waiting reader is told of a cancel.
    if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof CancelledFailure))
      throw error;
  }
  const { status } = await handle.describe();
  if (!hasBegun || status.name === 'COMPLETED') throw new StreamGone(status.name);
}

/** The workflow waits for one reader; for the others it may be closed by now. */
async function acknowledge(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.signal('subscriberAcknowledgedTerminator');
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
