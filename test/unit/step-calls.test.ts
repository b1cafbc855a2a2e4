import { describe, expect, it } from 'vitest';
import { canBeCarried, type Approval, type StepCall } from '../../workflows/step-calls.ts';

const call = { callId: 'c1', name: 'look', arguments: {} };
const approval: Approval = { id: 'appr_1', decision: null };
const decision = { approved: true, reason: null };

const asked: StepCall = { call, approval };
const waiting: StepCall = { call, wait: { kind: 'result', task_id: 'task_1' } };
const done: StepCall = { call, result: { output: 'nothing there', is_error: false } };

describe('the calls of a step', () => {
  it('can be carried over where each waits or is done', () => {
    expect(canBeCarried([asked, waiting, done])).toBe(true);
    expect(canBeCarried([{ ...waiting, approval: { ...approval, decision } }])).toBe(true);
  });

  it.each([
    { which: 'is being made', made: { call } },
    { which: 'was approved', made: { call, approval: { ...approval, decision } } },
  ])('cannot be carried over where one $which', ({ made }) => {
    expect(canBeCarried([asked, made, done])).toBe(false);
  });

  it('cannot be carried over where they are more than a payload holds', () => {
    const output = '語'.repeat(64 * 1024);
    const large = (count: number) =>
      Array.from({ length: count }, () => ({ call, result: { output, is_error: false } }));
    expect(canBeCarried([asked, ...large(7)])).toBe(true);
    expect(canBeCarried([asked, ...large(8)])).toBe(false);
  });
});
