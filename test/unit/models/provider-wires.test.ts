import { expect, it } from 'vitest';
import { createModels } from '../../../activities/models/create-models.ts';
import { startPlainServer } from '../../support/plain-server.ts';
import { collect, HELLO, never, said } from './listen.ts';

const usage = { input_tokens: 11, output_tokens: 7 };

const ANTHROPIC = [
  {
    type: 'message_start',
    message: {
      id: 'm',
      model: 'x',
      role: 'assistant',
      type: 'message',
      content: [],
      stop_reason: null,
      usage,
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Half an ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'answer' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];

const item = { type: 'message', id: 'i', role: 'assistant', status: 'in_progress', content: [] };
const OPENAI = [
  { type: 'response.created', response: { id: 'r', created_at: 0, model: 'x' } },
  { type: 'response.output_item.added', output_index: 0, item },
  { type: 'response.output_text.delta', item_id: 'i', delta: 'Half an ' },
  { type: 'response.output_text.delta', item_id: 'i', delta: 'answer' },
  { type: 'response.output_item.done', output_index: 0, item },
  { type: 'response.completed', response: { usage } },
];

it.each([
  ['anthropic/x', ANTHROPIC],
  ['openai/x', OPENAI],
])('%s streams text and usage on its own wire', async (name, events) => {
  const { parts, failure } = await answerWith(name, events);
  expect(failure).toBeUndefined();
  expect(said(parts)).toBe('Half an answer');
  expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop', usage });
});

it.each([
  ['anthropic/x', ANTHROPIC.slice(0, 3)],
  ['openai/x', OPENAI.slice(0, 3)],
])('%s: an answer without its end is a failure', async (name, events) => {
  const { parts, failure } = await answerWith(name, events);
  expect(said(parts)).toBe('Half an ');
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: true });
});

it('an unknown provider, a missing key and a missing model are final failures that say what is missing', () => {
  const models = createModels({});
  const problem = (name: string) => {
    try {
      return models(name);
    } catch (error) {
      return error;
    }
  };
  expect(problem('acme/x')).toMatchObject({ name: 'ModelFailure', retryable: false });
  expect(problem('openai/x')).toMatchObject({ message: expect.stringContaining('OPENAI_API_KEY') });
  expect(problem('anthropic/x')).toMatchObject({
    message: expect.stringContaining('ANTHROPIC_API_KEY'),
  });
  expect(problem('openai-compatible/x')).toMatchObject({
    message: expect.stringContaining('OPENAI_BASE_URL'),
  });
  expect(() => createModels({ openaiApiKey: 'k' })('openai')).toThrow('provider/id');
});

it('an id may hold slashes', () => {
  const models = createModels({ openaiBaseUrl: 'http://127.0.0.1:1/v1' });
  expect(models('openai-compatible/meta/llama').name).toBe('openai-compatible/meta/llama');
});

async function answerWith(name: string, events: { type: string }[]) {
  await using plain = await startPlainServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events)
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end();
  });
  const models = createModels({
    openaiApiKey: 'k',
    openaiBaseUrl: plain.url,
    anthropicApiKey: 'k',
    anthropicBaseUrl: plain.url,
  });
  return await collect(models(name).stream(HELLO, never));
}
