import { describe, expect, it } from 'vitest';
import { logArrivals, messageRefusal, takeMessage } from '../../workflows/inbox.ts';
import {
  append,
  carryOver,
  createRun,
  FRESH,
  seal,
  type RunCarry,
  type RunState,
} from '../../workflows/run-state.ts';
import { endStep, startStep } from '../../workflows/steps.ts';
import { NO_USAGE } from '../../contract/task.ts';

const AT = '2026-01-01T00:00:00.000Z';
const hello = { text: 'Hello', from: null };
const keyed = { ...hello, key: 'k', requestHash: 'h' };

function newRun(carry: RunCarry = FRESH): RunState {
  return createRun('task_1', carry, { now: () => AT, onAppend: () => undefined });
}

function begun(): RunState {
  const run = newRun();
  append(run, 'task.started', {});
  run.begun = true;
  return run;
}

const typesOf = (run: RunState) => run.log.map(({ type }) => type);

describe('a message', () => {
  it('enters the log at once, and waits for the next step', () => {
    const run = begun();
    startStep(run);
    expect(takeMessage(run, hello).seq).toBe(4);
    expect(run.log.at(-1)?.data).toEqual({ from: null, text: 'Hello' });
    expect(run.unread).toEqual([5]);
    startStep(run);
    expect(run.unread).toEqual([]);
  });

  it('waits where the run has not begun, and keeps its place behind those before it', () => {
    const run = newRun();
    const arrivals = [takeMessage(run, hello), takeMessage(run, { ...hello, from: 'her' })];
    expect(arrivals.map(({ seq }) => seq)).toEqual([null, null]);
    append(run, 'task.started', {});
    run.begun = true;
    logArrivals(run);
    expect(arrivals.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(typesOf(run)).toEqual(['task.started', 'task.message', 'task.message']);
  });

  it.each(['final answer', 'seal'])('is refused behind the %s', (end) => {
    const run = begun();
    startStep(run);
    if (end === 'seal') seal(run);
    else endStep(run, 'turn.final_answer', { blocks: [], usage: NO_USAGE });
    expect(messageRefusal(run, hello)).toMatchObject({ code: 'task_terminated' });
    expect(takeMessage(run, hello).seq).toBeNull();
  });

  it('under a key that is known is the same message, also in the next workflow run and after the end', () => {
    const run = begun();
    expect([takeMessage(run, keyed).seq, takeMessage(run, keyed).seq]).toEqual([3, 3]);
    expect(messageRefusal(run, { ...keyed, requestHash: 'other' })).toMatchObject({
      code: 'idempotency_key_reused',
    });
    const next = newRun(carryOver(run));
    expect(takeMessage(next, keyed).seq).toBe(3);
    seal(next);
    expect(messageRefusal(next, keyed)).toBeNull();
    expect(takeMessage(next, keyed).seq).toBe(3);
    expect(typesOf(next)).toEqual([]);
  });

  it('is refused where too much waits to be read, until the next step has begun', () => {
    const run = begun();
    for (let n = 0; n < 1_000; n += 1) takeMessage(run, hello);
    expect(messageRefusal(run, hello)).toMatchObject({ code: 'rate_limited' });
    startStep(run);
    expect(messageRefusal(run, hello)).toBeNull();
    takeMessage(run, { text: 'x'.repeat(1024 * 1024 - 1), from: null });
    expect(messageRefusal(run, hello)).toMatchObject({ code: 'rate_limited' });
    expect(messageRefusal(run, { text: 'y', from: null })).toBeNull();
  });
});
