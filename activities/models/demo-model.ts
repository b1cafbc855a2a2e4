import { setTimeout } from 'node:timers/promises';
import { cutText, type BlockKind } from '../../contract/text.ts';
import { estimateTokens, promptLength } from '../prompt.ts';
import { demoAnswer } from './demo-answer.ts';
import { errandOf } from './demo-errand.ts';
import { nextCalls } from './demo-plan.ts';
import type { Model, ModelPart, ModelRequest, ToolCall } from './model.ts';

/** About 50 words a second: the pace of a hosted model. */
const DEFAULT_WORD_MS = 20;

/** A rule of thumb for English text. */
const CHARACTERS_PER_TOKEN = 4;

/**
 * A stand-in that needs no key and says so in its answers: it reads the question, calls the tools that help, thinks aloud
 * and answers word by word from what they returned. The same prompt gives the same answer.
 */
export function createDemoModel({
  wordMs = DEFAULT_WORD_MS,
}: { wordMs?: number | undefined } = {}): Model {
  return {
    name: 'demo',
    async *stream(request, signal) {
      const { reasoning, text, calls, reason } = respond(request);
      yield* speak('reasoning', reasoning, { wordMs, signal });
      yield* speak('text', text, { wordMs, signal });
      yield* calls.flatMap(toCallParts);
      yield {
        type: 'finish',
        reason,
        usage: {
          input_tokens: estimateTokens(promptLength(request.messages)),
          output_tokens: estimateTokens((reasoning + text).length + JSON.stringify(calls).length),
        },
      };
    },
  };
}

interface Response {
  reasoning: string;
  text: string;
  calls: ToolCall[];
  reason: 'stop' | 'length' | 'tool_calls';
}

/** First the calls that help, in as many steps as they take, then, with their results in the prompt, the answer. */
function respond({ messages, tools, maxOutputTokens }: ModelRequest): Response {
  const errand = errandOf(messages);
  const calls = nextCalls(errand, tools);
  if (calls.length > 0) {
    const names = [...new Set(calls.map((call) => call.name))].join(' and ');
    const reasoning = `To answer this I will use ${names}.`;
    return { reasoning, text: '', calls, reason: 'tool_calls' };
  }
  const finding =
    errand.results.length > 0 ? 'The tools have answered.' : 'No tool is needed here.';
  const answer = demoAnswer(errand);
  const text = cutText(answer, (maxOutputTokens ?? Infinity) * CHARACTERS_PER_TOKEN);
  return {
    reasoning: `${finding} I will write the answer now.`,
    text,
    calls: [],
    reason: text === answer ? 'stop' : 'length',
  };
}

async function* speak(
  kind: BlockKind,
  text: string,
  { wordMs, signal }: { wordMs: number; signal: AbortSignal },
): AsyncGenerator<ModelPart> {
  for (const word of text.match(/\S+\s*/g) ?? []) {
    await pause(wordMs, signal);
    yield { type: 'text', kind, text: word };
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms === 0) return;
  await setTimeout(ms, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
}

function toCallParts(call: ToolCall): ModelPart[] {
  return [{ type: 'tool_call_begun' }, { type: 'tool_call', call }];
}
