import type { Agent } from '../agents/agent.ts';
import { awaitedChildren } from '../contract/children-read.ts';
import type { LogEvent } from '../contract/events.ts';
import { inputText, type TaskRecord } from '../contract/task.ts';
import { textOf } from '../contract/text.ts';
import type { PromptMessage, ToolCall } from './models/model.ts';
import { newsOf } from './prompt-news.ts';
import type { Said } from './view-history.ts';

/** Characters per token, for estimates where no provider has counted. */
const CHARS_PER_TOKEN = 4;

export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARS_PER_TOKEN);
}

export interface PromptSource {
  agent: Agent;
  task: TaskRecord;
  /** What the run reads ahead of its own input, and that. */
  messages: readonly Said[];
  /** The run's own log so far. */
  log: readonly LogEvent[];
  omittedTurns: number;
}

/** What the model is given: instructions, the conversation, and the steps so far as the log tells them. */
export function buildPrompt({
  agent,
  task,
  messages,
  log,
  omittedTurns,
}: PromptSource): PromptMessage[] {
  const instructions = task.instructions ?? agent.instructions;
  const note = `The oldest ${omittedTurns} turns of this conversation are left out.`;
  const system = omittedTurns > 0 ? `${instructions}\n\n${note}` : instructions;
  return [{ role: 'system', text: system }, ...messages.map(asPrompt), ...stepsOf(log)];
}

/** Characters of a prompt, for estimates. */
export function promptLength(messages: readonly PromptMessage[]): number {
  return messages.reduce((sum, message) => sum + JSON.stringify(message).length, 0);
}

function asPrompt({ role, content, partial }: Said): PromptMessage {
  const text = inputText(content);
  if (role === 'user') return { role: 'user', text };
  return { role: 'assistant', text: partial ? `${text}\n[interrupted]` : text, toolCalls: [] };
}

/** A step reads what came before it began, behind the results of the step before. */
function stepsOf(log: readonly LogEvent[]): PromptMessage[] {
  const prompt: PromptMessage[] = [];
  const unread: PromptMessage[] = [];
  const awaited = awaitedChildren(log);
  const calls = new Map<string, ToolCall>();
  let turn: Extract<PromptMessage, { role: 'assistant' }> | undefined;
  for (const event of log) {
    const news = newsOf(event, awaited);
    if (news !== null) {
      unread.push({ role: 'user', text: news });
    } else if (event.type === 'turn.started') {
      prompt.push(...unread.splice(0));
    } else if (event.type === 'turn.thinking') {
      turn = { role: 'assistant', text: textOf(event.data.blocks), toolCalls: [] };
      prompt.push(turn);
    } else if (event.type === 'turn.tool_call') {
      const { call_id: callId, name, arguments: args } = event.data;
      calls.set(callId, { callId, name, arguments: args });
      turn?.toolCalls.push({ callId, name, arguments: args });
    } else if (event.type === 'turn.tool_result') {
      const { call_id: callId, output, is_error: isError } = event.data;
      const text = typeof output === 'string' ? output : JSON.stringify(output);
      prompt.push({
        role: 'tool',
        callId,
        name: calls.get(callId)?.name ?? '',
        output: text,
        isError,
      });
    }
  }
  return prompt.map((message) => (isEmptyTurn(message) ? EMPTY_TURN_NOTE : message));
}

const EMPTY_TURN_NOTE: PromptMessage = {
  role: 'user',
  text: 'Your last turn was empty. Answer, or call one of the tools.',
};

/** A turn that was logged as thinking without a call: the model had said nothing to the reader. */
function isEmptyTurn(message: PromptMessage): boolean {
  return message.role === 'assistant' && message.toolCalls.length === 0 && message.text === '';
}
