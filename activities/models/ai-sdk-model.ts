import type {
  LanguageModelV3,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
} from '@ai-sdk/provider';
import type { Model, ModelPart, ModelRequest } from './model.ts';
import { ModelFailure } from './model.ts';
import { createPartReader } from './part-reader.ts';
import { toFunctionTools, toPrompt } from './prompt.ts';
import { toModelFailure } from './provider-errors.ts';

export interface AiSdkModelOptions {
  /** `provider/id`. */
  name: string;
  model: LanguageModelV3;
  /** Texts that may never stand in a failure's message: the provider's key. */
  secrets: readonly string[];
}

/**
 * A model behind a provider package of the AI SDK. It reads the provider's own `doStream`: what `streamText` adds
 * (steps, tools, retries) is the workflow's here, and costs CPU per chunk.
 */
export function createAiSdkModel({ name, model, secrets }: AiSdkModelOptions): Model {
  return {
    name,
    async *stream(request, signal) {
      signal.throwIfAborted();
      // Leaving the loop early, for whatever reason, closes the provider's connection.
      const connection = new AbortController();
      try {
        yield* readParts(model, request, AbortSignal.any([signal, connection.signal]));
      } catch (error) {
        signal.throwIfAborted();
        throw toModelFailure(error, secrets);
      } finally {
        connection.abort();
      }
    },
  };
}

async function* readParts(
  model: LanguageModelV3,
  { messages, tools, maxOutputTokens }: ModelRequest,
  abortSignal: AbortSignal,
): AsyncGenerator<ModelPart> {
  const { stream } = await model.doStream({
    prompt: toPrompt(messages, tools),
    abortSignal,
    ...(tools.length > 0 && { tools: toFunctionTools(tools) }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  });
  const reader = stream.getReader();
  // Settles a pending read at once, without waiting for the abort to travel through the SDK's streams.
  abortSignal.addEventListener('abort', () => void reader.cancel().catch(() => {}), { once: true });
  const parts = createPartReader();
  for (;;) {
    const { done, value } = await reader.read();
    abortSignal.throwIfAborted();
    if (done) throw cutInMidStream();
    if (value.type === 'error') throw value.error;
    if (value.type === 'finish') {
      yield* parts.flush();
      yield finish(value);
      return;
    }
    yield* parts.read(value);
  }
}

function finish({
  finishReason,
  usage,
}: LanguageModelV3StreamPart & { type: 'finish' }): ModelPart {
  // The SDK's adapters end a stream that broke off with one of these, and without a reason from the wire.
  const { unified, raw } = finishReason;
  if (unified === 'error' || (unified === 'other' && raw === undefined)) throw cutInMidStream();
  return { type: 'finish', reason: REASONS[unified], usage: toUsage(usage) };
}

const REASONS: Record<
  LanguageModelV3FinishReason['unified'],
  (ModelPart & { type: 'finish' })['reason']
> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'other',
  error: 'other',
  other: 'other',
};

function toUsage({ inputTokens, outputTokens }: LanguageModelV3Usage) {
  return {
    ...(inputTokens.total !== undefined && { input_tokens: inputTokens.total }),
    ...(outputTokens.total !== undefined && { output_tokens: outputTokens.total }),
  };
}

function cutInMidStream(): ModelFailure {
  return new ModelFailure("The provider's answer was cut in mid-stream.", { retryable: true });
}
