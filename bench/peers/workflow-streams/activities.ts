import { Context } from '@temporalio/activity';
import { WorkflowStreamClient } from '@temporalio/workflow-streams/client';
import { calculate, type Message, type ToolCall } from '../common/messages.ts';
import { streamMessage } from '../common/model.ts';
import { BATCH_INTERVAL_MS, HEARTBEAT_MS, MODEL_URL } from './settings.ts';

/** Calls the model, publishes its text on the workflow's stream, and returns the whole message. */
export async function callModel(model: string, messages: Message[]): Promise<Message> {
  const { info, cancellationSignal: signal } = Context.current();
  // A silent model is heartbeated for too: without it a cancel does not come here.
  const heartbeats = setInterval(() => Context.current().heartbeat(), HEARTBEAT_MS);
  try {
    await using client = WorkflowStreamClient.fromWithinActivity({
      ...(BATCH_INTERVAL_MS !== null && { batchInterval: BATCH_INTERVAL_MS }),
    });
    if (info.attempt > 1) {
      client.topic('retry').publish({ attempt: info.attempt }, { forceFlush: true });
    }
    const deltas = client.topic<{ text: string }>('delta');
    let forceFlush = true;
    return await streamMessage({ url: MODEL_URL, model, messages, signal }, (text) => {
      deltas.publish({ text }, { forceFlush });
      forceFlush = false;
    });
  } finally {
    clearInterval(heartbeats);
  }
}

export function calculator(call: ToolCall): Promise<Message> {
  return Promise.resolve(calculate(call));
}
