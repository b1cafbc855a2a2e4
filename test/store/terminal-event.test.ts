import { describe, expect, it } from 'vitest';
import { answerOf, type LogEvent } from '../../contract/events.ts';
import { NO_USAGE } from '../../contract/task.ts';
import { toTask } from '../../store/rows.ts';
import { cancelledEnd, terminalEvent } from '../../store/terminal-event.ts';
import { entry, now, spoken } from './fixtures.ts';

const task = toTask({
  ...({} as Parameters<typeof toTask>[0]),
  id: 'task_1',
  status: 'RUNNING',
  cancel_request: null,
});
const thinking = entry(task, 2, { type: 'turn.thinking', data: spoken('let me see') });
const interrupted = (more: { tool_call_begun?: true }) =>
  entry(task, 3, { type: 'turn.interrupted', data: { ...spoken('half'), ...more } });
const end = (log: LogEvent[]) => terminalEvent(task, log, { end: cancelledEnd('stop'), at: now() });

describe('the terminal event', () => {
  it('takes no text of a step that went on to call tools for an answer', () => {
    expect(end([thinking]).data).toMatchObject({ partial_output: null, text_length: 0 });
    expect(answerOf([thinking])).toBeNull();
  });

  it('takes no text of a step in which a tool call had begun for an answer', () => {
    expect(end([thinking, interrupted({ tool_call_begun: true })]).data).toMatchObject({
      partial_output: null,
    });
    expect(end([thinking, interrupted({})]).data).toMatchObject({
      partial_output: 'half',
      text_length: 4,
    });
  });

  it('sums the tokens of every attempt, those that failed included', () => {
    const usage = { input_tokens: 2, output_tokens: 1, estimated: true };
    const failed = entry(task, 3, {
      type: 'turn.attempt_failed',
      data: { step: 2, attempt: 1, blocks: [], reason: '429', usage },
    });
    const repeated = entry(task, 4, {
      type: 'turn.interrupted',
      data: { ...spoken('x'), usage: NO_USAGE },
    });
    const { usage: total } = end([thinking, failed, repeated]).data;
    expect(total).toEqual({ input_tokens: 5, output_tokens: 6, estimated: true });
  });

  it('names the cancel and its reason, and stands behind the last entry', () => {
    const event = end([thinking]);
    expect(event.seq).toBe(3);
    expect(event.data).toMatchObject({
      error: 'The task was cancelled: stop',
      failure: { code: 'cancelled' },
    });
  });
});
