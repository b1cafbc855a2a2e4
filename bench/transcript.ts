import type { ModelCall } from './model/call-log.ts';
import type { ModelSpec } from './model-spec.ts';
import type { Chunk } from './system.ts';
import { createTokenReader, type ReadToken, type Token } from './token.ts';

/** What a reader has put together out of the chunks that it was sent. */
export interface Transcript {
  /** Tells the tokens that are whole now and were never seen before: a withdrawn text that is sent again brings none. */
  add(chunk: Pick<Chunk, 'text' | 'reset'>): ReadToken[];
  readonly tokens: readonly ReadToken[];
}

export function createTranscript(): Transcript {
  const reader = createTokenReader();
  const seen = new Set<string>();
  let tokens: ReadToken[] = [];
  let withdraws = false;
  return {
    get tokens() {
      return tokens;
    },
    add({ text, reset }) {
      if (reset) {
        reader.reset();
        withdraws = true;
      }
      const whole = reader.read(text);
      const [first] = whole;
      // The step that is withdrawn is known by the first token that follows.
      if (withdraws && first) {
        tokens = tokens.filter(({ step }) => step !== first.step);
        withdraws = false;
      }
      tokens.push(...whole);
      return whole.filter((token) => addTo(seen, `${token.step}.${token.number}.${token.sentAt}`));
    },
  };
}

function addTo(set: Set<string>, value: string): boolean {
  return set.size < set.add(value).size;
}

/** What is wrong with a reader's text. */
export interface Faults {
  /** Tokens of the run that the reader does not have, or not undamaged. */
  lost: number;
  /** Tokens that it has once more than once. */
  doubled: number;
  /** Tokens that stand before one with a lower number or step. */
  misplaced: number;
  /** Steps whose text was put together out of more than one answer of the model. */
  spliced: number;
}

/** Checks a whole run's text. `calls`: all that the model was asked in the run. */
export function findFaults(
  tokens: readonly ReadToken[],
  spec: Pick<ModelSpec, 'steps' | 'tokens' | 'tokenLength'>,
  calls: readonly ModelCall[],
): Faults {
  const sound = tokens.filter(({ length }) => length === spec.tokenLength);
  const places = sound.map(({ step, number }) => (step - 1) * spec.tokens + number);
  const distinct = new Set(places);
  const following = places.slice(1);
  return {
    lost: spec.steps * spec.tokens - distinct.size,
    doubled: places.length - distinct.size,
    misplaced: following.filter((place, index) => place < (places[index] ?? 0)).length,
    spliced: countSpliced(sound, calls),
  };
}

function countSpliced(tokens: readonly Token[], calls: readonly ModelCall[]): number {
  const sources = new Map<number, Set<ModelCall | undefined>>();
  for (const token of tokens) {
    const source = calls.find((call) => call.step === token.step && holds(call, token));
    sources.set(token.step, (sources.get(token.step) ?? new Set()).add(source));
  }
  return [...sources.values()].filter(({ size }) => size > 1).length;
}

function holds({ arrivedAt, closedAt }: ModelCall, { sentAt }: Token): boolean {
  return BigInt(arrivedAt) <= sentAt && (closedAt === null || sentAt <= BigInt(closedAt));
}
