/** A message of OpenAI's chat completions. */
export interface Message {
  role: 'user' | 'assistant' | 'tool';
  content: string;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
}

export interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export const QUESTION: Message = { role: 'user', content: 'How much is 1 + 1?' };

/** Runs a call of the tool `calculator`. */
export function calculate(call: ToolCall): Message {
  const { expression } = JSON.parse(call.function.arguments) as { expression: string };
  const [, left, operator = '', right] = /^(\S+) ([-+*/]) (\S+)$/.exec(expression) ?? [];
  const [a, b] = [Number(left), Number(right)];
  const results: Record<string, number> = { '+': a + b, '-': a - b, '*': a * b, '/': a / b };
  return { role: 'tool', tool_call_id: call.id, content: String(results[operator]) };
}
