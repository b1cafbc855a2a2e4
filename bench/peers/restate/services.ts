import { createPubsubObject, createPubsubPublisher } from '@restatedev/pubsub';
import { createPubsubClient } from '@restatedev/pubsub-client';
import * as restate from '@restatedev/restate-sdk';
import { calculate, QUESTION, type Message } from '../common/messages.ts';
import { streamMessage } from '../common/model.ts';

const { INGRESS_URL = '', MODEL_URL = '', PORT } = process.env;
const PUBSUB = 'pubsub';
/** What is published outside of a step goes with the run's journal, and inside of one through the ingress. */
const publish = createPubsubPublisher(PUBSUB);
const pubsub = createPubsubClient({ url: INGRESS_URL, name: PUBSUB });

/** An agent as https://docs.restate.dev/ai has it; the run's key is its topic. A topic does not end by itself: the last message says so. */
const agent = restate.workflow({
  name: 'agent',
  handlers: {
    async run(ctx: restate.WorkflowContext, { model }: { model: string }): Promise<string> {
      try {
        return await answer(ctx, model);
      } catch (error) {
        // Anything else is no end: the attempt is made again.
        if (error instanceof restate.TerminalError) publish(ctx, ctx.key, { end: true });
        throw error;
      }
    },
  },
});

async function answer(ctx: restate.WorkflowContext, model: string): Promise<string> {
  const messages: Message[] = [QUESTION];
  const signal = ctx.request().attemptCompletedSignal;
  for (;;) {
    const idempotencyKey = ctx.rand.uuidv4();
    const message = await ctx.run('call model', () => {
      let pieces = 0;
      return streamMessage({ url: MODEL_URL, model, messages, signal }, async (text) => {
        await pubsub.publish(ctx.key, { text }, `${idempotencyKey}:${pieces}`);
        pieces += 1;
      });
    });
    messages.push(message);
    for (const call of message.tool_calls ?? []) {
      messages.push(await ctx.run('calculator', () => calculate(call)));
    }
    if (!message.tool_calls) {
      publish(ctx, ctx.key, { end: true });
      return message.content;
    }
  }
}

await restate.serve({
  services: [agent, createPubsubObject(PUBSUB, {})],
  port: Number(PORT),
});
console.log('the endpoint of the services listens');
