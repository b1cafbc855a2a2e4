import type { Usage } from '../../contract/task.ts';
import type { BlockKind } from '../../contract/text.ts';

/** A tool as a model sees it. `parameters` is a JSON Schema (draft 2020-12) of an object. */
export interface ToolSpec {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

/** One message of the prompt, in order. An assistant's tool calls are followed by one `tool` message per call. */
export type PromptMessage =
  | { role: 'system'; text: string }
  | { role: 'user'; text: string }
  | { role: 'assistant'; text: string; toolCalls: ToolCall[] }
  | { role: 'tool'; callId: string; name: string; output: string; isError: boolean };

/** A call that the model asked for. `arguments` is parsed JSON, or the raw text where it does not parse. */
export interface ToolCall {
  callId: string;
  name: string;
  arguments: unknown;
}

export interface ModelRequest {
  messages: PromptMessage[];
  tools: ToolSpec[];
  /** Most tokens the model may say; the provider's own limit where it is left out. */
  maxOutputTokens?: number;
}

/** What a model says, piece by piece. Text is clean (`TextCleaner`), and `finish` comes last, once. */
export type ModelPart =
  | { type: 'text'; kind: BlockKind; text: string }
  /** A tool call has begun: from here on the step's text is no answer. Comes before its `tool_call`. */
  | { type: 'tool_call_begun' }
  /** More of a call's arguments has come, of this many characters: nothing to show yet, but the model is not silent. */
  | { type: 'tool_call_delta'; length: number }
  | { type: 'tool_call'; call: ToolCall }
  | {
      type: 'finish';
      reason: 'stop' | 'length' | 'tool_calls' | 'other';
      usage: Partial<Omit<Usage, 'estimated'>>;
    };

/** A language model behind a provider's wire. */
export interface Model {
  /** `provider/id`, as in `MODEL`. */
  readonly name: string;
  /**
   * Streams one answer. Aborting the signal closes the provider's connection at once, whether it talks or is silent,
   * and ends the iteration with the signal's reason. Throws `ModelFailure` for everything the provider did wrong.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** The provider refused, broke off or answered with something that is no answer. */
export class ModelFailure extends Error {
  override name = 'ModelFailure';
  /** Whether a further attempt may help (429, 5xx, connection lost, cut stream). */
  readonly retryable: boolean;
  /** What the provider's `Retry-After` asked for, in milliseconds, or null. */
  readonly retryAfterMs: number | null;
  /** The provider answered with an error's status, or not at all, or was not even asked: the prompt has cost nothing. */
  readonly refused: boolean;
  constructor(
    message: string,
    options: {
      retryable: boolean;
      retryAfterMs?: number | null;
      refused?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.refused = options.refused ?? false;
  }
}

/** Finds a model by `provider/id`. Throws a `ModelFailure` (not retryable) for one that is not configured. */
export type Models = (name: string) => Model;
