import { describe, expect, it } from 'vitest';
import type { ModelCall } from '../../../bench/model/call-log.ts';
import { createTokenReader, STAMP_LENGTH, writeToken } from '../../../bench/token.ts';
import { createTranscript, findFaults } from '../../../bench/transcript.ts';

const SPEC = { steps: 2, tokens: 3, tokenLength: 30 };

function say(step: number, number: number, sentAt = 100 * step + number): string {
  return writeToken({ step, number, sentAt: BigInt(sentAt) }, 30);
}

function call(step: number, from: number, to: number | null): ModelCall {
  const times = {
    arrivedAt: String(from),
    firstTokenAt: null,
    closedAt: to === null ? null : String(to),
  };
  return { key: 'k', step, ...times, closedBy: 'server', tokens: 3, lateMs: 0 };
}

const CALLS = [call(1, 100, 199), call(2, 200, 299)];
const WHOLE = [say(1, 0), say(1, 1), say(1, 2), say(2, 0), say(2, 1), say(2, 2)];

function faultsAfter(chunks: { text: string; reset?: true }[], calls = CALLS) {
  const transcript = createTranscript();
  for (const chunk of chunks) transcript.add(chunk);
  return findFaults(transcript.tokens, SPEC, calls);
}

describe('tokens', () => {
  it('are read whole out of pieces of any size', () => {
    const text = WHOLE.join('');
    for (let size = 1; size <= text.length; size += 1) {
      const reader = createTokenReader();
      const tokens = [];
      for (let at = 0; at < text.length; at += size) {
        tokens.push(...reader.read(text.slice(at, at + size)));
      }
      expect(tokens.map(({ step, number }) => `${step}.${number}`)).toEqual([
        '1.0',
        '1.1',
        '1.2',
        '2.0',
        '2.1',
        '2.2',
      ]);
    }
  });

  it('carry the time to the nanosecond, at the least length too', () => {
    const sentAt = 8_765_432_109_876_543n;
    const token = { step: 99, number: 99_999, sentAt };
    expect(createTokenReader().read(writeToken(token, STAMP_LENGTH))).toMatchObject([token]);
    expect(writeToken(token, STAMP_LENGTH)).toHaveLength(STAMP_LENGTH);
  });
});

describe('what is wrong with a text', () => {
  it('is nothing where every token is there once and in order', () => {
    expect(faultsAfter(WHOLE.map((text) => ({ text })))).toEqual({
      lost: 0,
      doubled: 0,
      misplaced: 0,
      spliced: 0,
    });
  });

  it('counts a token that is not there, and those on both sides of a hole', () => {
    const [a = '', b = '', c = '', d = '', ...rest] = WHOLE;
    const missing = [a, b, d, ...rest];
    expect(faultsAfter([{ text: missing.join('') }])).toMatchObject({ lost: 1, doubled: 0 });
    const hole = [a, b, c.slice(0, 4), d.slice(4), ...rest];
    expect(faultsAfter([{ text: hole.join('') }])).toMatchObject({ lost: 1, doubled: 0 });
    const padding = [a, b, c.slice(0, 12), c.slice(20), d, ...rest];
    expect(faultsAfter([{ text: padding.join('') }])).toMatchObject({ lost: 1, doubled: 0 });
  });

  it('counts what came twice, and what came too late', () => {
    const twice = [...WHOLE.slice(0, 3), ...WHOLE.slice(1)];
    expect(faultsAfter([{ text: twice.join('') }])).toEqual({
      lost: 0,
      doubled: 2,
      misplaced: 1,
      spliced: 0,
    });
  });

  it('forgives what was withdrawn, in the step that follows the reset and in no other', () => {
    const [a = '', b = '', c = '', ...second] = WHOLE;
    const chunks: { text: string; reset?: true }[] = [
      { text: a + b + c + second[0] + (second[1] ?? '').slice(0, 9) },
      { text: '', reset: true },
      { text: second.join('') },
    ];
    expect(faultsAfter(chunks)).toMatchObject({ lost: 0, doubled: 0, misplaced: 0 });
  });

  it('tells a step that was put together out of two answers', () => {
    const calls = [call(1, 100, 101), call(1, 102, 199), call(2, 200, null)];
    expect(faultsAfter([{ text: WHOLE.join('') }], calls)).toMatchObject({ lost: 0, spliced: 1 });
  });

  it('gives a token as new only once, however often it is sent', () => {
    const transcript = createTranscript();
    expect(transcript.add({ text: say(1, 0) })).toHaveLength(1);
    expect(transcript.add({ text: say(1, 0) + say(1, 1), reset: true })).toHaveLength(1);
  });
});
