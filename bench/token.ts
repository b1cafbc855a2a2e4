/**
 * A token of the scripted model: `<step>.<number>.<sent at>` padded with `~` and ended by a space, so that a reader can tell
 * from the text alone what was lost, what came twice, and how long each token took.
 */
export interface Token {
  step: number;
  /** 0, 1, 2 … within its step. */
  number: number;
  /** `process.hrtime.bigint()` of the model when it wrote the token: one clock for all processes of a machine. */
  sentAt: bigint;
}

/** A token as a reader got it. */
export interface ReadToken extends Token {
  /** Characters that were there, the space included: fewer or more than the model says are a damaged text. */
  length: number;
}

/** Room for any step, number and time. */
export const STAMP_LENGTH = 24;

export function writeToken({ step, number, sentAt }: Token, length: number): string {
  return `${step}.${number}.${sentAt.toString(36)}`.padEnd(length - 1, '~') + ' ';
}

const TOKEN = /^(\d+)\.(\d+)\.([0-9a-z]+)~*$/;

/** Reads whole tokens out of text that comes in pieces of any size. */
export function createTokenReader(): { read(text: string): ReadToken[]; reset(): void } {
  let rest = '';
  return {
    read(text) {
      const words = (rest + text).split(' ');
      rest = words.pop() ?? '';
      return words.flatMap((word) => readToken(word) ?? []);
    },
    reset: () => {
      rest = '';
    },
  };
}

function readToken(word: string): ReadToken | null {
  const match = TOKEN.exec(word);
  if (!match) return null;
  const [, step, number, sentAt] = match;
  const length = word.length + 1;
  return { step: Number(step), number: Number(number), sentAt: fromBase36(sentAt ?? ''), length };
}

function fromBase36(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = value * 36n + BigInt(parseInt(digit, 36));
  return value;
}
