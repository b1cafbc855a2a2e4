import { expect, it } from 'vitest';
import { API_KEY, collect, said, useScriptedModel } from './listen.ts';

const model = useScriptedModel();

it('streams reasoning, then text, then the finish with the usage that the provider gave', async () => {
  const { parts } = await model.listen('talks', [
    { reason: 'Let me think.', pieces: 2 },
    { say: 'Durable.', pieces: 4 },
    { usage: { prompt_tokens: 12, completion_tokens: 34 } },
  ]);
  expect(said(parts, 'reasoning')).toBe('Let me think.');
  expect(said(parts)).toBe('Durable.');
  expect(parts.findLastIndex((part) => part.type === 'text' && part.kind === 'reasoning')).toBe(1);
  expect(parts.at(-1)).toEqual({
    type: 'finish',
    reason: 'stop',
    usage: { input_tokens: 12, output_tokens: 34 },
  });
});

it('leaves usage out where the provider gave none', async () => {
  const { parts } = await model.listen('no-usage', [{ say: 'Hi' }, { usage: null }]);
  expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop', usage: {} });
});

it('says that the limit of tokens ended the answer', async () => {
  const { parts } = await model.listen('length', [{ say: 'Hi' }, { finish: 'length' }]);
  expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'length' });
});

it('keeps a surrogate pair that is split over two chunks, and cleans lone halves and U+0000', async () => {
  const { parts } = await model.listen('unclean', [
    { say: 'a\u{1F600}b', pieces: 2 },
    { say: ' \uD83D!' },
    { say: ' \u0000 ' },
    { say: '\uD83D' },
  ]);
  expect(said(parts)).toBe('a\u{1F600}b \uFFFD! \uFFFD \uFFFD');
  for (const part of parts) if (part.type === 'text') expect(part.text.isWellFormed()).toBe(true);
});

it('announces each tool call before its arguments, tells that they come, and gives them whole', async () => {
  const { parts } = await model.listen('calls', [
    { say: 'Let me see.' },
    { call: { id: 'c1', name: 'calculator', arguments: { expression: '1+1' } } },
    { call: { id: 'c2', name: 'Current_Time', arguments: {} } },
  ]);
  expect(parts.map((part) => part.type)).toEqual([
    'text',
    'tool_call_begun',
    'tool_call_delta',
    'tool_call_delta',
    'tool_call_begun',
    'tool_call_delta',
    'tool_call_delta',
    'tool_call',
    'tool_call',
    'finish',
  ]);
  expect(parts.filter((part) => part.type === 'tool_call').map(({ call }) => call)).toEqual([
    { callId: 'c1', name: 'calculator', arguments: { expression: '1+1' } },
    { callId: 'c2', name: 'Current_Time', arguments: {} },
  ]);
  expect(parts.at(-1)).toMatchObject({ reason: 'tool_calls' });
});

it('gives calls with an empty or a repeated id an id of their own', async () => {
  const call = { name: 'calculator', arguments: {} };
  const { parts } = await model.listen('same-ids', [
    { call: { id: 'x', ...call } },
    { call: { id: 'x', ...call } },
    { call: { id: '', ...call } },
  ]);
  const ids = parts.flatMap((part) => (part.type === 'tool_call' ? part.call.callId : []));
  expect(ids[0]).toBe('x');
  expect(ids.every((id) => id !== '')).toBe(true);
  expect(new Set(ids).size).toBe(3);
});

it('hands over arguments that do not parse as the text that came, and cleans those that do', async () => {
  const { parts } = await model.listen('bad-arguments', [
    { call: { id: 'a', name: 'f', arguments: '{"expression": 1+' } },
    { call: { id: 'b', name: 'f', arguments: { text: 'a\u0000' } } },
  ]);
  const [first, second] = parts.flatMap((part) => (part.type === 'tool_call' ? part.call : []));
  expect(first?.arguments).toBe('{"expression": 1+');
  expect(second?.arguments).toEqual({ text: 'a\uFFFD' });
});

it('K1 sends a call by a name that no tool could have as providers take it', async () => {
  model.server.script('named', [[{ say: 'ok' }]]);
  const names = ['multi_tool_use.parallel', '$löök-up', 'x'.repeat(70), '', 'fs.read'];
  const toolCalls = names.map((name, n) => ({ callId: `c${n}`, name, arguments: {} }));
  const results = toolCalls.map(({ callId, name }) => ({
    ...{ role: 'tool' as const, callId, name, output: 'There is no such tool.', isError: true },
  }));
  const asked = { role: 'user' as const, text: 'Look.' };
  await collect(
    model.ask('named', {
      messages: [asked, { role: 'assistant', text: '', toolCalls }, ...results],
      // This provider takes such a name.
      tools: [{ name: 'fs.read', description: 'Reads', parameters: { type: 'object' } }],
    }),
  );
  const [request] = model.server.requests('named');
  const sent = JSON.stringify(request?.body.messages).matchAll(/"name":"([^"]*)"/g);
  expect([...sent].map(([, name]) => name)).toEqual([
    'multi_tool_use_parallel',
    '_l__k-up',
    'x'.repeat(64),
    'unnamed',
    'fs.read',
  ]);
});

it('sends the prompt with its calls, results and tools on the chat-completions wire', async () => {
  model.server.script('prompt', [[{ say: 'ok' }]]);
  const call = { callId: 'c1', name: 'calculator', arguments: { expression: '1+1' } };
  const broken = { callId: 'c2', name: 'calculator', arguments: 'not json' };
  await collect(
    model.ask('prompt', {
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'What is 1+1?' },
        { role: 'assistant', text: '', toolCalls: [call, broken] },
        { role: 'tool', callId: 'c1', name: 'calculator', output: '2', isError: false },
        { role: 'tool', callId: 'c2', name: 'calculator', output: 'invalid', isError: true },
        { role: 'assistant', text: '', toolCalls: [] },
      ],
      tools: [{ name: 'calculator', description: 'Counts', parameters: { type: 'object' } }],
      maxOutputTokens: 77,
    }),
  );
  const [request] = model.server.requests('prompt');
  expect(request?.body.messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is 1+1?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        {
          id: 'c1',
          type: 'function',
          function: { name: 'calculator', arguments: '{"expression":"1+1"}' },
        },
        {
          id: 'c2',
          type: 'function',
          function: { name: 'calculator', arguments: '{"malformed_arguments":"not json"}' },
        },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: '2' },
    { role: 'tool', tool_call_id: 'c2', content: 'invalid' },
  ]);
  expect(request?.body).toMatchObject({
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 77,
    tools: [{ type: 'function', function: { name: 'calculator', parameters: { type: 'object' } } }],
  });
  expect(request?.authorization).toBe(`Bearer ${API_KEY}`);
});
