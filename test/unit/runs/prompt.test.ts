import { describe, expect, it } from 'vitest';
import { buildPrompt, type PromptSource } from '../../../activities/prompt.ts';
import type { PromptMessage } from '../../../activities/models/model.ts';
import type { EventData, EventType, LogEvent } from '../../../contract/events.ts';
import type { Said } from '../../../activities/view-history.ts';
import { NO_USAGE, type TaskRecord } from '../../../contract/task.ts';

const agent = { name: 'default', description: '', instructions: 'Be brief.', tools: [] };
const task = { input: 'And now?', instructions: null } as unknown as TaskRecord;

function prompt(source: Partial<PromptSource>): PromptMessage[] {
  const messages = [message('user', task.input)];
  return buildPrompt({ agent, task, messages, log: [], omittedTurns: 0, ...source });
}

function message(role: Said['role'], content: Said['content'], partial = false): Said {
  return { role, content, partial };
}

let seq = 1;
function entry<T extends EventType>(type: T, data: EventData[T]): LogEvent {
  seq += 1;
  return { type, task_id: 'task_1', seq, at: '2026-01-01T00:00:00.000Z', data } as LogEvent;
}

const thinking = (text: string, reasoning = '') =>
  entry('turn.thinking', {
    ...{ step: 1, attempt: 1, text, usage: NO_USAGE },
    blocks: [
      { kind: 'reasoning', text: reasoning },
      { kind: 'text', text },
    ],
  });
const called = (call_id: string, args: unknown) =>
  entry('turn.tool_call', { step: 1, call_id, name: 'calculator', arguments: args });
const returned = (call_id: string, output: unknown, is_error = false) =>
  entry('turn.tool_result', { step: 1, call_id, output, is_error });

describe('a prompt', () => {
  it("is the agent's instructions, or the task's, and what was said", () => {
    expect(prompt({})).toEqual([
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'And now?' },
    ]);
    const own = { ...task, instructions: 'Be long.' };
    expect(prompt({ task: own })[0]).toEqual({ role: 'system', text: 'Be long.' });
  });

  it('holds the conversation, with interrupted answers marked and left-out turns told', () => {
    const messages = [
      message('user', [
        { type: 'text', text: 'What' },
        { type: 'text', text: 'is it?' },
      ]),
      message('assistant', 'It is', true),
      message('user', 'And now?'),
    ];
    expect(prompt({ messages, omittedTurns: 3 })).toEqual([
      { role: 'system', text: expect.stringMatching(/^Be brief\.[^]* 3 turns .* left out\.$/) },
      { role: 'user', text: 'What\nis it?' },
      { role: 'assistant', text: 'It is\n[interrupted]', toolCalls: [] },
      { role: 'user', text: 'And now?' },
    ]);
  });

  it('holds the steps so far, without their reasoning, each call with its result', () => {
    const log = [
      entry('task.started', {}),
      thinking('Let me see.', 'Hm.'),
      called('a', { expression: '1+1' }),
      called('b', { expression: '1/0' }),
      returned('a', { result: 2 }),
      returned('b', 'no such number', true),
    ];
    expect(prompt({ log }).slice(2)).toEqual([
      {
        role: 'assistant',
        text: 'Let me see.',
        toolCalls: [
          { callId: 'a', name: 'calculator', arguments: { expression: '1+1' } },
          { callId: 'b', name: 'calculator', arguments: { expression: '1/0' } },
        ],
      },
      { role: 'tool', callId: 'a', name: 'calculator', output: '{"result":2}', isError: false },
      { role: 'tool', callId: 'b', name: 'calculator', output: 'no such number', isError: true },
    ]);
  });

  it('holds the messages that came before the step began, behind the results of the step before', () => {
    const wrote = (text: string, from: string | null = null) =>
      entry('task.message', { from, text });
    const log = [
      entry('task.started', {}),
      wrote('before'),
      entry('turn.started', { step: 1 }),
      wrote('while it thought'),
      thinking('Let me see.'),
      called('a', { expression: '1+1' }),
      wrote('', 'the boss'),
      returned('a', { result: 2 }),
      wrote(''),
      entry('turn.started', { step: 2 }),
      wrote('too late'),
    ];
    expect(prompt({ log }).slice(2)).toEqual([
      { role: 'user', text: 'before' },
      expect.objectContaining({ role: 'assistant', text: 'Let me see.' }),
      expect.objectContaining({ role: 'tool', callId: 'a' }),
      { role: 'user', text: 'while it thought' },
      { role: 'user', text: 'Message from the boss:\n' },
      { role: 'user', text: '(an empty message)' },
    ]);
  });

  it('tells the model of a turn that said nothing', () => {
    expect(prompt({ log: [thinking('', 'Hm.')] }).slice(2)).toEqual([
      { role: 'user', text: expect.stringContaining('empty') },
    ]);
  });

  it('leaves out what failed attempts had said', () => {
    const blocks = [{ kind: 'text' as const, text: 'Half of i' }];
    const failed = { step: 1, attempt: 1, blocks, reason: 'cut', usage: NO_USAGE };
    expect(prompt({ log: [entry('turn.attempt_failed', failed)] })).toHaveLength(2);
  });
});
