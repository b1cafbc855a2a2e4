import { expect, it } from 'vitest';
import { createDemoModel } from '../../../activities/models/demo-model.ts';
import type { ModelPart, PromptMessage, ToolCall } from '../../../activities/models/model.ts';
import { collect, never, said } from './listen.ts';

const TOOLS = ['calculator', 'current_time', 'http_get'].map((name) => ({
  name,
  description: '',
  parameters: {},
}));

const demo = createDemoModel({ wordMs: 0 });

async function ask(messages: PromptMessage[], tools = TOOLS): Promise<ModelPart[]> {
  return (await collect(demo.stream({ messages, tools }, never))).parts;
}

async function callsFor(text: string): Promise<Omit<ToolCall, 'callId'>[]> {
  const parts = await ask([{ role: 'user', text }]);
  return parts.flatMap((part) =>
    part.type === 'tool_call' ? { name: part.call.name, arguments: part.call.arguments } : [],
  );
}

it.each([
  ['What is 12 * (3 + 4)?', [['calculator', { expression: '12 * (3 + 4)' }]]],
  ['How much is 17 × 23, please?', [['calculator', { expression: '17 * 23' }]]],
  ['What time is it in Asia/Tokyo?', [['current_time', { time_zone: 'Asia/Tokyo' }]]],
  ['What is the date today?', [['current_time', { time_zone: 'UTC' }]]],
  ['Read https://example.com/a-1/2 for me.', [['http_get', { url: 'https://example.com/a-1/2' }]]],
  [
    'Compute 2^10 and tell me the time in Europe/Berlin',
    [
      ['calculator', { expression: '2^10' }],
      ['current_time', { time_zone: 'Europe/Berlin' }],
    ],
  ],
  ['Who are you?', []],
  ['What happened on 2024-05-17 in room 12?', []],
  ['Write a long text about durable execution', []],
] as [string, [string, unknown][]][])('%s', async (question, expected) => {
  expect(await callsFor(question)).toEqual(
    expected.map(([name, args]) => ({ name, arguments: args })),
  );
});

it('thinks first, then calls, and does not answer in the step that calls', async () => {
  const parts = await ask([{ role: 'user', text: 'What is 6*7?' }]);
  expect(said(parts, 'reasoning')).toContain('calculator');
  expect(said(parts)).toBe('');
  expect(parts.slice(-3).map((part) => part.type)).toEqual([
    'tool_call_begun',
    'tool_call',
    'finish',
  ]);
  expect(parts.at(-1)).toMatchObject({ reason: 'tool_calls' });
});

it('calls only the tools that there are', async () => {
  const parts = await ask([{ role: 'user', text: 'What is 6*7?' }], []);
  expect(parts.some((part) => part.type === 'tool_call')).toBe(false);
  expect(said(parts)).toContain('demo model');
});

it('answers from what the tools returned, and says that it is a demo model', async () => {
  const question: PromptMessage[] = [{ role: 'user', text: 'What is 6*7, and the time?' }];
  const parts = await ask([
    ...question,
    {
      role: 'assistant',
      text: '',
      toolCalls: [
        { callId: 'a', name: 'calculator', arguments: { expression: '6*7' } },
        { callId: 'b', name: 'current_time', arguments: { time_zone: 'UTC' } },
      ],
    },
    {
      role: 'tool',
      callId: 'a',
      name: 'calculator',
      output: '{"expression":"6*7","result":"42"}',
      isError: false,
    },
    { role: 'tool', callId: 'b', name: 'current_time', output: 'no such zone', isError: true },
  ]);
  expect(said(parts)).toContain('demo model');
  expect(said(parts)).toContain('6*7 = 42');
  expect(said(parts)).toContain('no such zone');
  expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });
});

it('does not take an earlier turn’s results for answers to the new question', async () => {
  const parts = await ask([
    { role: 'user', text: 'What is 6*7?' },
    { role: 'tool', callId: 'a', name: 'calculator', output: '{"result":"42"}', isError: false },
    { role: 'assistant', text: '42', toolCalls: [] },
    { role: 'user', text: 'And 8*9?' },
  ]);
  expect(parts.find((part) => part.type === 'tool_call')).toMatchObject({
    call: { arguments: { expression: '8*9' } },
  });
});

it('gives a long text when asked for one, the same each time, with figures of usage', async () => {
  const messages: PromptMessage[] = [{ role: 'user', text: 'Write a long essay.' }];
  const parts = await ask(messages);
  expect(said(parts).split(/\s+/).length).toBeGreaterThan(400);
  expect(await ask(messages)).toEqual(parts);
  const { usage } = parts.at(-1) as ModelPart & { type: 'finish' };
  expect(usage.input_tokens).toBeGreaterThan(0);
  expect(usage.output_tokens).toBeGreaterThan(400);
});

it('keeps the limit of tokens and says so', async () => {
  const request = {
    messages: [{ role: 'user' as const, text: 'A long story' }],
    tools: [],
    maxOutputTokens: 50,
  };
  const { parts } = await collect(demo.stream(request, never));
  expect(said(parts).length).toBe(200);
  expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'length' });
});

it('stops at once when it is aborted between two words, with the reason', async () => {
  const controller = new AbortController();
  const slow = createDemoModel({ wordMs: 2 ** 30 });
  const messages: PromptMessage[] = [{ role: 'user', text: 'Hello' }];
  const next = slow
    .stream({ messages, tools: [] }, controller.signal)
    [Symbol.asyncIterator]()
    .next();
  controller.abort('enough');
  await expect(next).rejects.toBe('enough');
});
