import { expect, it } from 'vitest';
import { createDemoModel } from '../../../activities/models/demo-model.ts';
import type { PromptMessage, ToolCall } from '../../../activities/models/model.ts';
import { newsOf } from '../../../activities/prompt-news.ts';
import { leadAgent } from '../../../agents/lead.ts';
import type { EventData, LogEvent } from '../../../contract/events.ts';
import { collect, never, said } from './listen.ts';

const TOOLS = leadAgent.tools.map(({ name }) => ({ name, description: '', parameters: {} }));
const demo = createDemoModel({ wordMs: 0 });

async function step(messages: readonly PromptMessage[], tools = TOOLS) {
  const { parts } = await collect(demo.stream({ messages: [...messages], tools }, never));
  const toolCalls = parts.flatMap((part) => (part.type === 'tool_call' ? [part.call] : []));
  return { toolCalls, text: said(parts) };
}

const user = (text: string): PromptMessage => ({ role: 'user', text });

/** Takes steps to the answer; each call gets its arguments as its result. `news`: what has come before the step of that number. */
async function play(input: string, news: Record<number, string[]> = {}, tools = TOOLS) {
  const messages: PromptMessage[] = [user(input)];
  const steps: Omit<ToolCall, 'callId'>[][] = [];
  for (let number = 1; number < 20; number += 1) {
    messages.push(...(news[number] ?? []).map(user));
    const { toolCalls, text } = await step(messages, tools);
    if (toolCalls.length === 0) return { steps, answer: text };
    steps.push(toolCalls.map(({ callId: _, ...call }) => call));
    messages.push({ role: 'assistant', text, toolCalls });
    for (const { callId, name, arguments: args } of toolCalls) {
      messages.push({ role: 'tool', callId, name, output: JSON.stringify(args), isError: false });
    }
  }
  throw new Error('no answer');
}

/** How a run is told of a child. */
function told<T extends LogEvent['type']>(type: T, data: EventData[T]): string {
  const event = { type, task_id: 'task_lead', seq: 9, at: '', data } as unknown as LogEvent;
  return newsOf(event, new Set()) ?? '';
}

const ORDERS = `Start two agents.
Ask ann: "Write a long text. Cancel nothing."
Ask bob (default): "What is 6 * 7?"
Tell ann: "Wait for nobody."
Wait for bob and ann. Cancel ann: "enough". Wait for all. Then tell me.`;

it('leads other agents by the sentences of its orders, those of one kind in one step', async () => {
  const { steps } = await play(ORDERS);
  expect(steps).toEqual([
    [
      {
        name: 'spawn_agent',
        arguments: { name: 'ann', input: 'Write a long text. Cancel nothing.', background: true },
      },
      {
        name: 'spawn_agent',
        arguments: { name: 'bob', agent: 'default', input: 'What is 6 * 7?', background: true },
      },
    ],
    [{ name: 'send_message', arguments: { to: 'ann', text: 'Wait for nobody.' } }],
    [{ name: 'wait_for_tasks', arguments: { tasks: ['bob', 'ann'] } }],
    [{ name: 'cancel_task', arguments: { task: 'ann', reason: 'enough' } }],
    [{ name: 'wait_for_tasks', arguments: {} }],
  ]);
});

it('tells in its answer what it was told of its children, and takes none of it for an order', async () => {
  const child = { task_id: 'task_1', name: 'bob' };
  const { steps, answer } = await play(ORDERS, {
    2: [told('child.custom', { ...child, event_type: 'progress', payload: { done: 1 } })],
    4: [told('child.completed', { ...child, output: { text: 'You wrote: "Wait for any."' } })],
    6: [
      told('child.cancelled', {
        task_id: 'task_2',
        name: 'ann',
        failure: { code: 'cancelled', message: 'The task was cancelled: enough' },
        partial_output: 'Once upon',
      }),
    ],
  });
  expect(steps).toHaveLength(5);
  expect(answer).toContain('Event "progress" of task "bob": {"done":1}');
  expect(answer).toContain('The task "bob" has completed. Its result: You wrote');
  expect(answer).toContain('The task "ann" was cancelled: The task was cancelled: enough');
  expect(answer).not.toContain('durable execution');
});

it('goes on with an order that somebody has written to it meanwhile', async () => {
  const { steps } = await play('Ask ann: "Hello" Wait for all.', { 2: ['Tell ann: "Hi"'] });
  expect(steps.map((calls) => calls.map(({ name }) => name))).toEqual([
    ['spawn_agent'],
    ['wait_for_tasks'],
    ['send_message'],
  ]);
});

it('takes such sentences for a question where it cannot carry them out', async () => {
  const tools = TOOLS.filter(({ name }) => name === 'calculator');
  const { steps, answer } = await play('Cancel my plans, and work out 6 * 7.', {}, tools);
  expect(steps).toEqual([[{ name: 'calculator', arguments: { expression: '6 * 7' } }]]);
  expect(answer).toContain('demo model');
});

it('works out several sums one after another, and reports its progress between them', async () => {
  const { steps } = await play('Work out 6*7 and 8*9, one after another; report your progress.');
  const sum = (expression: string) => ({ name: 'calculator', arguments: { expression } });
  const report = (done: number) => ({
    name: 'report_progress',
    arguments: { done, total: 2, note: expect.stringContaining('The calculator says') },
  });
  expect(steps).toEqual([[sum('6*7')], [report(1), sum('8*9')], [report(2)]]);
});

it('answers a message together with the question that it is still at', async () => {
  const { steps, answer } = await play('What is 6*7?', { 2: ['And the time in Asia/Tokyo?'] });
  expect(steps.flat().map(({ name }) => name)).toEqual(['calculator', 'current_time']);
  expect(answer).toContain('6*7');
  expect(answer).toContain('Asia/Tokyo');
});
