import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_FAILURES } from '../../../contract/failures.ts';
import { attemptFailure, toolFailure } from '../../../workflows/activity-failures.ts';

const partial = {
  ...{ seq: 3, step: 1, attempt: 2, blocks: [{ kind: 'text', text: 'It is' }] },
  usage: { input_tokens: 1, output_tokens: 2, estimated: true },
};

function ended(cause: Error): ActivityFailure {
  const state = RetryState.MAXIMUM_ATTEMPTS_REACHED;
  return new ActivityFailure('activity failed', 'callModel', '1', state, 'worker', cause);
}
const thrown = (type: string, ...details: unknown[]) =>
  ended(ApplicationFailure.create({ message: 'why', type, details, nonRetryable: true }));

describe('how a model attempt ended', () => {
  it('is a lost worker, with the last heartbeat, where Temporal heard nothing more', () => {
    const timeout = (details: unknown) =>
      ended(new TimeoutFailure('silent', details, TimeoutType.HEARTBEAT));
    expect(attemptFailure(timeout(partial))).toMatchObject({ kind: 'worker_lost', partial });
    expect(attemptFailure(timeout(undefined))).toMatchObject({
      kind: 'worker_lost',
      partial: null,
    });
  });

  it('is a lost worker where it was shut down', () => {
    expect(attemptFailure(thrown(ATTEMPT_FAILURES.workerShutdown, partial))).toEqual({
      kind: 'worker_lost',
      partial,
      reason: 'worker_shutdown',
    });
  });

  it("is the provider's failure, with what it asks for", () => {
    const asked = { retryable: true, retryAfterMs: 1_500 };
    expect(attemptFailure(thrown(ATTEMPT_FAILURES.provider, partial, asked))).toEqual({
      kind: 'provider',
      partial,
      reason: 'why',
      ...asked,
    });
  });

  it('is a cancel, with the partial where the attempt had begun', () => {
    const cancelled = (details: unknown[]) => ended(new CancelledFailure('stop', details));
    expect(attemptFailure(cancelled([partial]))).toEqual({ kind: 'cancelled', partial });
    expect(attemptFailure(cancelled(['ACTIVITY_ID_NOT_STARTED']))).toEqual({
      kind: 'cancelled',
      partial: null,
    });
    expect(attemptFailure(new CancelledFailure('stop'))).toMatchObject({ kind: 'cancelled' });
  });

  it('is internal where it is a bug, and thrown on where it is none of Temporal', () => {
    expect(attemptFailure(thrown('TypeError', partial))).toEqual({
      kind: 'internal',
      partial,
      reason: 'why',
    });
    expect(() => attemptFailure(new TypeError('bug'))).toThrow('bug');
  });
});

it('tells the model why a tool call gave no result', () => {
  const lost = ended(new TimeoutFailure('silent', undefined, TimeoutType.HEARTBEAT));
  expect(toolFailure(lost)).toContain('not known');
  expect(toolFailure(thrown('worker_shutdown'))).toBe('why');
  expect(toolFailure(ended(new CancelledFailure('stop')))).toContain('cancelled');
  expect(() => toolFailure(new TypeError('bug'))).toThrow('bug');
});
