import { describe, expect, it } from 'vitest';
import { createChunker } from '../../../bench/systems/holdfast-chunks.ts';
import type { DeltaFrame, Frame } from '../../../contract/frames.ts';

function delta(offset: number, text: string, attempt = 1): DeltaFrame {
  return { type: 'turn.delta', step: 1, attempt, block: 0, kind: 'text', offset, text };
}

function entry(text: string, attempt = 1): Frame {
  const usage = { input_tokens: 1, output_tokens: 1, estimated: false };
  const data = { step: 1, attempt, blocks: [{ kind: 'text' as const, text }], text, usage };
  return { type: 'turn.final_answer', task_id: 'task_1', seq: 4, at: '', data };
}

describe("a step's entry, to a reader of the feed", () => {
  it('changes nothing where all of the step was shown', () => {
    const said = createChunker();
    expect([delta(0, 'ab'), delta(2, 'c'), entry('abc')].map(said)).toEqual([
      { text: 'ab' },
      { text: 'c' },
      { text: '' },
    ]);
  });

  it('replaces the step where something of it is missing', () => {
    const said = createChunker();
    expect([delta(0, 'ab'), entry('abc')].map(said)).toEqual([
      { text: 'ab' },
      { text: 'abc', reset: true },
    ]);
  });

  it('changes nothing for a cursor behind its last character, and replaces the step for one before', () => {
    expect(createChunker('task_1:3.1.3')(entry('abc'))).toEqual({ text: '' });
    expect(createChunker('task_1:3.1.2')(entry('abc'))).toEqual({ text: 'abc', reset: true });
    expect(createChunker('task_1:3.1.3')(entry('xyz', 2))).toEqual({ text: 'xyz', reset: true });
    expect(createChunker('task_1:3')(entry('abc'))).toEqual({ text: 'abc', reset: true });
  });

  it('follows the withdrawal of an attempt', () => {
    const said = createChunker();
    const reset: Frame = { type: 'turn.reset', step: 1, attempt: 2 };
    expect([delta(0, 'ab'), reset, delta(0, 'xyz', 2), entry('xyz', 2)].map(said)).toEqual([
      { text: 'ab' },
      { text: '', reset: true },
      { text: 'xyz' },
      { text: '' },
    ]);
  });
});
