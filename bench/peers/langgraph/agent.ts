import type { AIMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { tool } from '@langchain/core/tools';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

/** The agent of LangGraph's quickstart: a model node and a tool node in a loop. Its model's name comes with the run. */

const calculator = tool(() => '2', {
  name: 'calculator',
  description: 'Evaluates an arithmetic expression.',
  schema: z.object({ expression: z.string() }),
});

async function callModel({ messages }: typeof MessagesAnnotation.State, config: RunnableConfig) {
  const model = new ChatOpenAI({
    model: String(config.configurable?.['model']),
    apiKey: 'none',
    configuration: { baseURL: process.env['MODEL_URL'] },
    streaming: true,
    maxRetries: 0,
  }).bindTools([calculator]);
  return { messages: [await model.invoke(messages, config)] };
}

function shouldContinue({ messages }: typeof MessagesAnnotation.State) {
  const last = messages.at(-1) as AIMessage | undefined;
  return last?.tool_calls?.length ? 'tools' : END;
}

export const agent = new StateGraph(MessagesAnnotation)
  .addNode('model', callModel)
  .addNode('tools', new ToolNode([calculator]))
  .addEdge(START, 'model')
  .addConditionalEdges('model', shouldContinue, ['tools', END])
  .addEdge('tools', 'model')
  .compile();
