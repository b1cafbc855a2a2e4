import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import { WorkflowStream } from '@temporalio/workflow-streams/workflow';
import { QUESTION, type Message } from '../common/messages.ts';
import type * as activities from './activities.ts';

const { callModel, calculator } = proxyActivities<typeof activities>({
  startToCloseTimeout: '5 minutes',
  // As samples-typescript/activities-cancellation-heartbeating.
  heartbeatTimeout: '3s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 3 },
});

/** A reader has had the end. */
const acknowledgeEnd = defineSignal('subscriberAcknowledgedTerminator');

/** An agent after "Stream LLM output" of https://docs.temporal.io/develop/typescript/workflows/workflow-streams. */
export async function agent(name: string): Promise<string> {
  const stream = new WorkflowStream();
  let acknowledged = false;
  setHandler(acknowledgeEnd, () => {
    acknowledged = true;
  });
  const text = await answer(name);
  stream.topic('close').publish({});
  // Behind the end of the workflow nobody can read. The guide has one of these two, for one reader.
  await condition(() => acknowledged, '30 seconds');
  await sleep('500 milliseconds');
  return text;
}

async function answer(name: string): Promise<string> {
  const messages: Message[] = [QUESTION];
  for (;;) {
    const message = await callModel(name, messages);
    messages.push(message);
    for (const call of message.tool_calls ?? []) messages.push(await calculator(call));
    if (!message.tool_calls) return message.content;
  }
}
