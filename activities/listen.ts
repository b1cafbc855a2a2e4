import { NO_USAGE, type Usage } from '../contract/task.ts';
import type { BlockKind } from '../contract/text.ts';
import { ModelFailure, type ModelPart } from './models/model.ts';
import { estimateTokens } from './prompt.ts';
import type { ModelTurn } from './types.ts';

/** Most bytes of JSON that one step may say: its entry holds the text twice, and must fit a payload of 2 MB. */
const MAX_BYTES = 700_000;
/** Most calls of one step: all run at once, and the server takes 2,000 activities of a run at a time. */
const MAX_CALLS = 128;

/** The run's tokens are used up; what was said stands. */
export class OutOfBudget extends Error {
  override name = 'OutOfBudget';
}

export interface ListenOptions {
  /** Starts the provider's stream. */
  parts(signal: AbortSignal): AsyncIterable<ModelPart>;
  /** An estimate of what the request has. It counts unless it is refused. */
  promptTokens: number;
  /** Filled as the model speaks. */
  said: ModelTurn;
  /** Adds text to the blocks of `said`, and shows it. */
  say(kind: BlockKind, text: string): void;
  tokensLeft: number;
  idleTimeoutMs: number;
  /** Stops the stream with its reason. */
  stop: AbortSignal;
}

/** Listens to a model to its end. Throws `ModelFailure`, `OutOfBudget`, or the reason of `stop`; the provider is always hung up. */
export async function listen(options: ListenOptions): Promise<void> {
  const { said, promptTokens, stop, idleTimeoutMs } = options;
  if (promptTokens > options.tokensLeft) throw new OutOfBudget();
  said.usage = { input_tokens: promptTokens, output_tokens: 0, estimated: true };
  const hangUp = new AbortController();
  const stalled = () =>
    hangUp.abort(
      new ModelFailure(`the model was silent for ${idleTimeoutMs} ms`, { retryable: true }),
    );
  const meter: Meter = { characters: 0, bytes: 0 };
  const idle = setTimeout(stalled, idleTimeoutMs);
  try {
    for await (const part of options.parts(AbortSignal.any([stop, hangUp.signal]))) {
      stop.throwIfAborted();
      idle.refresh();
      take(part, meter, options);
    }
    hangUp.signal.throwIfAborted();
  } catch (error) {
    if (error instanceof ModelFailure && error.refused) said.usage = NO_USAGE;
    throw error;
  } finally {
    clearTimeout(idle);
    hangUp.abort();
  }
}

/** How much a step has said: characters for the estimate of tokens, bytes for the limit of a payload. */
interface Meter {
  characters: number;
  bytes: number;
}

function take(part: ModelPart, meter: Meter, { said, say, tokensLeft }: ListenOptions): void {
  switch (part.type) {
    case 'text':
      say(part.kind, part.text);
      count(meter, part.text.length, Buffer.byteLength(JSON.stringify(part.text)));
      break;
    case 'tool_call_begun':
      said.tool_call_begun = true;
      return;
    case 'tool_call_delta':
      count(meter, part.length, part.length);
      break;
    case 'tool_call':
      said.tool_call_begun = true;
      said.calls.push(part.call);
      if (said.calls.length > MAX_CALLS) throw tooMuch(`more than ${MAX_CALLS} tool calls`);
      break;
    case 'finish':
      said.usage = usageOf(part.usage, said.usage);
      return;
  }
  if (meter.bytes > MAX_BYTES) throw tooMuch(`more than ${MAX_BYTES} bytes`);
  said.usage.output_tokens = estimateTokens(meter.characters);
  if (said.usage.input_tokens + said.usage.output_tokens > tokensLeft) throw new OutOfBudget();
}

function count(meter: Meter, characters: number, bytes: number): void {
  meter.characters += characters;
  meter.bytes += bytes;
}

function tooMuch(what: string): ModelFailure {
  return new ModelFailure(`the model said ${what} in one step`, { retryable: false });
}

/** The provider's figures, and our estimate where it gave none. */
function usageOf({ input_tokens, output_tokens }: Partial<Usage>, estimate: Usage): Usage {
  return {
    input_tokens: input_tokens ?? estimate.input_tokens,
    output_tokens: output_tokens ?? estimate.output_tokens,
    estimated: input_tokens === undefined || output_tokens === undefined,
  };
}
