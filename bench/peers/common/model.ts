import { createParser } from 'eventsource-parser';
import type { Message } from './messages.ts';

export interface Prompt {
  /** Base URL, `…/v1`. */
  url: string;
  model: string;
  messages: Message[];
  signal?: AbortSignal | undefined;
}

interface Delta {
  content?: string;
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments?: string } }[];
}

const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'calculator',
      description: 'Evaluates a sum, a difference, a product or a quotient of two numbers.',
      parameters: {
        type: 'object',
        properties: { expression: { type: 'string' } },
        required: ['expression'],
      },
    },
  },
];

/** Calls the model, hands over each piece of text in order, one at a time, and returns the whole message. */
export async function streamMessage(
  { url, model, messages, signal }: Prompt,
  onText: (text: string) => Promise<void> | void,
): Promise<Message> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, tools: TOOLS, stream: true }),
    signal: signal ?? null,
  });
  if (!response.ok || !response.body) throw new Error(`the model answers ${response.status}`);
  const deltas: Delta[] = [];
  const parser = createParser({
    onEvent({ data }) {
      if (data !== '[DONE]') deltas.push(JSON.parse(data).choices[0]?.delta ?? {});
    },
  });
  const message: Message = { role: 'assistant', content: '' };
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    for (const { content, tool_calls } of deltas.splice(0)) {
      for (const call of tool_calls ?? []) addToolCall(message, call);
      if (!content) continue;
      message.content += content;
      await onText(content);
    }
  }
  return message;
}

function addToolCall(message: Message, piece: NonNullable<Delta['tool_calls']>[number]): void {
  const calls = (message.tool_calls ??= []);
  const call = (calls[piece.index] ??= {
    id: piece.id ?? '',
    type: 'function',
    function: { name: piece.function.name ?? '', arguments: '' },
  });
  call.function.arguments += piece.function.arguments ?? '';
}
