/** OpenAI's chat completions, as far as the scripted model speaks them. All of it is ASCII. */

export interface ChatRequest {
  model: string;
  messages: { role: string }[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
}

/** An answer on its way: what its chunks have in common. */
export interface ChatAnswer {
  id: string;
  model: string;
  /** The answer ends with a tool call. */
  callsTool: boolean;
  tokens: number;
}

/** The text of a chunk ahead of a token and behind it, so that a token costs one concatenation. */
export function tokenFrame(answer: ChatAnswer): [ahead: string, behind: string] {
  const mark = '@';
  const [ahead = '', behind = ''] = chunk(answer, { content: mark }).split(mark);
  return [ahead, behind];
}

export function firstChunk(answer: ChatAnswer): string {
  return chunk(answer, { role: 'assistant', content: '' });
}

/** Everything behind the last token. */
export function lastChunks(answer: ChatAnswer, includeUsage: boolean): string {
  const reason = answer.callsTool ? 'tool_calls' : 'stop';
  return [
    ...(answer.callsTool
      ? [chunk(answer, { tool_calls: [{ index: 0, ...toolCall(answer) }] })]
      : []),
    chunk(answer, {}, reason),
    ...(includeUsage ? [frame({ ...head(answer), choices: [], usage: usage(answer) })] : []),
    'data: [DONE]\n\n',
  ].join('');
}

/** The answer to a request without `stream`. */
export function wholeAnswer(answer: ChatAnswer, content: string): string {
  const message = {
    role: 'assistant',
    content,
    ...(answer.callsTool && { tool_calls: [toolCall(answer)] }),
  };
  const finish_reason = answer.callsTool ? 'tool_calls' : 'stop';
  return JSON.stringify({
    ...head(answer),
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason, logprobs: null }],
    usage: usage(answer),
  });
}

function chunk(answer: ChatAnswer, delta: object, reason: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: reason }];
  return frame({ ...head(answer), choices });
}

function frame(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function head({ id, model }: ChatAnswer): object {
  return { id, object: 'chat.completion.chunk', created: 1_700_000_000, model };
}

function toolCall({ id }: ChatAnswer): object {
  const call = { name: 'calculator', arguments: '{"expression":"1 + 1"}' };
  return { id: `call_${id}`, type: 'function', function: call };
}

function usage({ tokens }: ChatAnswer): object {
  return { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens };
}
