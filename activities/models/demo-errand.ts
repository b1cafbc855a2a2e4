import { cutText } from '../../contract/text.ts';
import type { PromptMessage, ToolCall } from './model.ts';

export type ToolResult = PromptMessage & { role: 'tool' };

/** What the demo model was asked since its last answer, and what it has done about it so far. */
export interface Errand {
  /** The input, and what was written to the run since. */
  question: string;
  /** What it was told of the tasks that it has started. */
  news: string[];
  made: ToolCall[];
  results: ToolResult[];
}

/** The search for a sum takes time with the square of the text's length. */
const MAX_READ = 2000;

/** How `prompt-news.ts` begins what it tells of other tasks. */
const NEWS = /^(?:Event "[^"]*" of|The) task task_\S+/;

/** An assistant's turn without a call is an answer, so what stands before it is settled. */
export function errandOf(messages: readonly PromptMessage[]): Errand {
  const answered = messages.findLastIndex(
    (message) => message.role === 'assistant' && message.toolCalls.length === 0,
  );
  const since = messages.slice(answered + 1);
  const told = since.filter((message) => message.role === 'user').map(({ text }) => text);
  const question = told.filter((text) => !NEWS.test(text)).join('\n');
  return {
    question: cutText(question, MAX_READ),
    news: told.filter((text) => NEWS.test(text)),
    made: since.flatMap((message) => (message.role === 'assistant' ? message.toolCalls : [])),
    results: since.filter((message) => message.role === 'tool'),
  };
}
