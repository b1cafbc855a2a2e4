import { spokenLength, type BlockKind } from '../contract/text.ts';
import { ModelFailure, type ModelPart } from './models/model.ts';
import { estimateTokens } from './prompt.ts';
import type { ModelTurn } from './types.ts';

/** Most UTF-16 units that one step may say: its entry, with blocks and text, must fit a payload of 2 MB. */
const MAX_SPOKEN = 300_000;

/** The run's tokens are used up; what was said stands. */
export class OutOfBudget extends Error {
  override name = 'OutOfBudget';
}

export interface ListenOptions {
  /** Starts the provider's stream. */
  parts(signal: AbortSignal): AsyncIterable<ModelPart>;
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
  const { said, stop, idleTimeoutMs } = options;
  if (said.usage.input_tokens > options.tokensLeft) throw new OutOfBudget();
  const hangUp = new AbortController();
  const stalled = () =>
    hangUp.abort(
      new ModelFailure(`the model was silent for ${idleTimeoutMs} ms`, { retryable: true }),
    );
  const idle = setTimeout(stalled, idleTimeoutMs);
  try {
    for await (const part of options.parts(AbortSignal.any([stop, hangUp.signal]))) {
      stop.throwIfAborted();
      idle.refresh();
      take(part, options);
    }
    hangUp.signal.throwIfAborted();
  } finally {
    clearTimeout(idle);
    hangUp.abort();
  }
}

function take(part: ModelPart, { said, say, tokensLeft }: ListenOptions): void {
  switch (part.type) {
    case 'text':
      say(part.kind, part.text);
      break;
    case 'tool_call_begun':
      said.tool_call_begun = true;
      return;
    case 'tool_call':
      said.tool_call_begun = true;
      said.calls.push(part.call);
      break;
    case 'finish': {
      const { input_tokens, output_tokens } = part.usage;
      said.usage = {
        input_tokens: input_tokens ?? said.usage.input_tokens,
        output_tokens: output_tokens ?? said.usage.output_tokens,
        estimated: input_tokens === undefined || output_tokens === undefined,
      };
      return;
    }
  }
  const spoken = spokenLength(said.blocks);
  const called = said.calls.length > 0 ? JSON.stringify(said.calls).length : 0;
  if (spoken + called > MAX_SPOKEN) {
    throw new ModelFailure(`the model said more than ${MAX_SPOKEN} characters in one step`, {
      retryable: false,
    });
  }
  said.usage.output_tokens = estimateTokens(spoken + called);
  if (said.usage.input_tokens + said.usage.output_tokens > tokensLeft) throw new OutOfBudget();
}
