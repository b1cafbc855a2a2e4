import { describe, expect, it } from 'vitest';
import { answerOf, type LogEvent } from '../../contract/events.ts';
import type { Partial as SpokenSoFar } from '../../contract/frames.ts';
import { NO_USAGE } from '../../contract/task.ts';
import { hasEnded, logChild, takeNews } from '../../workflows/children.ts';
import { describeRun } from '../../workflows/run-details.ts';
import { readPage } from '../../workflows/read-page.ts';
import {
  append,
  appendTerminal,
  carryOver,
  createRun,
  FRESH,
  logSoFar,
  seal,
  type RunState,
} from '../../workflows/run-state.ts';
import { endStep, failAttempt, interruptStep, startStep } from '../../workflows/steps.ts';

const AT = '2026-01-01T00:00:00.000Z';
const USAGE = { input_tokens: 10, output_tokens: 5, estimated: false };
const said = (text: string) => ({ blocks: [{ kind: 'text' as const, text }], usage: USAGE });

/** A run, and the numbers that its hook was told. */
function newRun(carry = FRESH): RunState & { told: number[] } {
  const told: number[] = [];
  const hooks = { now: () => AT, onAppend: ({ lastSeq }: RunState) => told.push(lastSeq) };
  return Object.assign(createRun('task_1', carry, hooks), { told });
}

function partial(run: RunState, attempt: number, text: string): SpokenSoFar {
  run.attempt = attempt;
  const blocks = text ? said(text).blocks : [];
  return { seq: run.lastSeq, step: run.step, attempt, blocks, usage: USAGE };
}

/** What a run has of its state that is carrying out a call. */
const AT_A_CALL: Pick<RunState, 'phase' | 'calls'> = {
  phase: 'tools',
  calls: [{ call: { callId: 'call_1', name: 'calculator', arguments: {} } }],
};

const typesOf = (run: RunState) => run.log.map(({ type }) => type);
const completed = (seq: number): LogEvent & { type: 'task.completed' } => ({
  ...{ type: 'task.completed', task_id: 'task_1', seq, at: AT },
  data: { output: { text: 'Yes.' }, usage: USAGE, text_length: 4, text_sha256: '' },
});

describe('the log of a run', () => {
  it('goes on from what 0.1.0 carries over', () => {
    const { firstSeq, step, nonsense, usage } = carryOver(newRun());
    const former = { firstSeq, step, nonsense, usage } as RunState;
    expect(newRun(former)).toMatchObject({ extraSteps: 0, received: [], decided: [] });
  });

  it('is numbered without holes behind the entry that is built from the row', () => {
    const run = newRun();
    append(run, 'task.started', {});
    startStep(run);
    run.attempt = 1;
    endStep(run, 'turn.final_answer', said('Yes.'));
    expect(run.log.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(run.told).toEqual([2, 3, 4]);
    expect(run.log.at(-1)).toEqual({
      ...{ type: 'turn.final_answer', task_id: 'task_1', seq: 4, at: AT },
      data: { step: 1, attempt: 1, ...said('Yes.'), text: 'Yes.' },
    });
  });

  it('takes nothing after the seal but its terminal entry', () => {
    const run = newRun();
    append(run, 'task.started', {});
    Object.assign(run, AT_A_CALL);
    expect(readPage(run, { after: 0, maxBytes: 1 }).state.tool).toBe('calculator');
    seal(run);
    expect(logSoFar(run)).toMatchObject({ taskId: run.taskId, through: 2 });
    const { state } = readPage(run, { after: 0, maxBytes: 1 });
    expect(state).toMatchObject({ phase: 'finishing', tool: null });
    expect(() => append(run, 'task.progress', { progress: 0.5 })).toThrow('after the seal');
    appendTerminal(run, completed(3));
    expect(typesOf(run)).toEqual(['task.started', 'task.completed']);
    expect(readPage(run, { after: 2, maxBytes: 1 })).toMatchObject({ lastSeq: 3, terminal: true });
  });

  it("leaves a winner's terminal entry that does not follow it to the store", () => {
    const run = newRun();
    append(run, 'task.started', {});
    seal(run);
    appendTerminal(run, completed(9));
    expect(typesOf(run)).toEqual(['task.started']);
    expect(readPage(run, { after: 0, maxBytes: 1 }).terminal).toBe(false);
  });

  it('adds up the tokens of every attempt, each once', () => {
    const run = newRun();
    startStep(run);
    failAttempt(run, { partial: partial(run, 1, 'Ye'), reason: 'cut', retryInMs: 20 });
    run.attempt = 2;
    endStep(run, 'turn.thinking', said('Let me see.'));
    startStep(run);
    interruptStep(run, partial(run, 1, 'Yes'));
    expect(run.usage).toEqual({ input_tokens: 30, output_tokens: 15, estimated: false });
  });
});

describe('the children of a run', () => {
  it.each(['__proto__', 'constructor', 'toString'])(
    'may have the id %s, which changes nothing for any other',
    (id) => {
      const run = newRun(JSON.parse(JSON.stringify(carryOver(newRun()))) as RunState);
      Object.assign(run, { begun: true });
      const data = { task_id: id, name: null, output: { text: 'Done.' } };
      const end = { kind: 'end', news: { status: 'completed', data } } as const;
      takeNews(run, end);
      takeNews(run, end);
      expect(typesOf(run)).toEqual(['child.completed']);
      expect(hasEnded(run, id)).toBe(true);
      expect(hasEnded(newRun(JSON.parse(JSON.stringify(carryOver(run))) as RunState), id)).toBe(
        true,
      );
      const other = newRun();
      logChild(other, { ...data, call_id: 'c1', agent: 'default' } as never);
      expect(hasEnded(other, id)).toBe(false);
      expect(hasEnded(other, 'task_2')).toBe(false);
    },
  );
});

describe('what is left of an interrupted step', () => {
  it('is what the attempt under way had said', () => {
    const run = newRun();
    startStep(run);
    failAttempt(run, { partial: partial(run, 1, 'No'), reason: 'cut', retryInMs: 20 });
    interruptStep(run, partial(run, 2, 'Yes'));
    expect(run.log.at(-1)?.data).toEqual({ step: 1, attempt: 2, ...said('Yes'), text: 'Yes' });
    expect(answerOf(run.log)).toBe('Yes');
  });

  it('is what the last attempt that spoke had said, where the one under way had not', () => {
    const run = newRun();
    startStep(run);
    failAttempt(run, { partial: partial(run, 1, 'One'), reason: 'cut', retryInMs: 20 });
    failAttempt(run, { partial: partial(run, 2, 'Two'), reason: 'cut', retryInMs: 20 });
    failAttempt(run, { partial: partial(run, 3, ''), reason: 'cut', retryInMs: 20 });
    interruptStep(run, null);
    expect(run.log.at(-1)?.data).toMatchObject({ attempt: 2, text: 'Two', usage: NO_USAGE });
    expect(answerOf(run.log)).toBe('Two');
  });

  it('is no answer where a tool call had begun in what is kept', () => {
    const run = newRun();
    startStep(run);
    interruptStep(run, { ...partial(run, 1, 'Let me look'), tool_call_begun: true });
    expect(run.log.at(-1)?.data).toMatchObject({ text: 'Let me look', tool_call_begun: true });
    expect(answerOf(run.log)).toBeNull();
  });

  it('is nothing where no step is open', () => {
    const run = newRun();
    append(run, 'task.started', {});
    interruptStep(run, null);
    startStep(run);
    endStep(run, 'turn.thinking', said('Let me see.'));
    interruptStep(run, null);
    expect(typesOf(run)).toEqual(['task.started', 'turn.started', 'turn.thinking']);
    expect(answerOf(run.log)).toBeNull();
  });

  it('is not taken from an earlier step', () => {
    const run = newRun();
    startStep(run);
    failAttempt(run, { partial: partial(run, 1, 'Old'), reason: 'cut', retryInMs: 20 });
    endStep(run, 'turn.thinking', said('Let me see.'));
    startStep(run);
    interruptStep(run, null);
    expect(run.log.at(-1)?.data).toMatchObject({ step: 2, blocks: [], text: '' });
  });
});

describe('reading the log', () => {
  function filled(carry = FRESH): RunState {
    const run = newRun(carry);
    for (let n = 1; n <= 10; n += 1) append(run, 'task.progress', { progress: n / 10 });
    return run;
  }
  const seqs = (run: RunState, after: number, maxBytes: number) =>
    readPage(run, { after, maxBytes }).events.map(({ seq }) => seq);

  it('gives what follows, one entry at least, in pages that lead to the end', () => {
    const run = filled();
    expect(seqs(run, 0, Infinity)).toEqual([]);
    expect(seqs(run, 1, Infinity)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(seqs(run, 5, 0)).toEqual([6]);
    const entryBytes = JSON.stringify(run.log[0]).length;
    expect(seqs(run, 5, entryBytes * 2.5)).toEqual([6, 7]);
    expect(seqs(run, 11, Infinity)).toEqual([]);
    expect(seqs(run, 99, Infinity)).toEqual([]);
  });

  it('says what the store holds, after it has gone on in a new workflow run', () => {
    const first = filled();
    first.step = 3;
    const next = filled(carryOver(first));
    expect(next.step).toBe(3);
    expect(readPage(next, { after: 4, maxBytes: Infinity })).toMatchObject({
      events: [],
      firstSeq: 12,
      lastSeq: 21,
    });
    expect(seqs(next, 11, Infinity)[0]).toBe(12);
  });
});

it('shows operators how many tasks are below a run, and how many of them are at work', () => {
  const run = newRun();
  startStep(run);
  expect(describeRun(run)).not.toContain('Tasks below');
  const place = { type: 'agent_run', agent: 'default', step: 1, background: true } as const;
  for (const name of ['ann', 'bob'])
    logChild(run, { ...place, task_id: `task_${name}`, name, call_id: `call_${name}` });
  const data = { task_id: 'task_ann', name: 'ann', output: { text: 'Yes.' } };
  run.begun = true;
  takeNews(run, { kind: 'end', news: { status: 'completed', data } });
  expect(describeRun(run)).toContain('Tasks below: 2, 1 of them at work');
});

it('shows operators the step, its tokens and the tail of what was said, in whole characters', () => {
  const run = newRun();
  startStep(run);
  run.attempt = 1;
  endStep(run, 'turn.thinking', said('🦁'.repeat(500) + '.'));
  Object.assign(run, AT_A_CALL);
  const details = describeRun(run);
  expect(details).toContain('**Step 1**, attempt 1: tools (calculator)');
  expect(details).toContain('10 in, 5 out');
  expect(details).toMatch(/🦁\.$/);
  expect(details.isWellFormed()).toBe(true);
});
