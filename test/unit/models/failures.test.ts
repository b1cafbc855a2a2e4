import { expect, it } from 'vitest';
import { createModels } from '../../../activities/models/create-models.ts';
import { ModelFailure } from '../../../activities/models/model.ts';
import { startPlainServer } from '../../support/plain-server.ts';
import { API_KEY, collect, HELLO, never, said, useScriptedModel } from './listen.ts';

const model = useScriptedModel();

it('a 429 may be tried again after the time that the provider asks for', async () => {
  const { failure } = await model.listen('429', [{ status: 429, retryAfter: '7' }]);
  expect(failure).toBeInstanceOf(ModelFailure);
  expect(failure).toMatchObject({ retryable: true, retryAfterMs: 7000, refused: true });
  expect(failure?.message).toContain('429');
  expect(model.server.calls('429')).toBe(1);
});

it.each([408, 409, 500, 502, 503, 529])('a %i may be tried again', async (status) => {
  const { failure } = await model.listen(`status-${status}`, [{ status }]);
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: true, retryAfterMs: null });
  expect(model.server.calls(`status-${status}`)).toBe(1);
});

it.each([400, 401, 403, 404, 422])('a %i is final', async (status) => {
  const { failure } = await model.listen(`status-${status}`, [{ status }]);
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: false, refused: true });
});

it('keeps keys that the provider quotes, and the request, out of the failure', async () => {
  const message = `Incorrect API key provided: ${API_KEY}. Authorization: Bearer abcdef012345`;
  const { failure } = await model.listen('leak', [{ status: 401, body: { error: { message } } }]);
  expect(failure?.message).toContain('Incorrect API key provided: [redacted]');
  expect(failure?.message).not.toMatch(/0123456789abcdef|abcdef012345/);
  expect(failure?.cause).toBeUndefined();
});

it('a socket that closes in mid-stream is a failure, and what was said before it is handed over', async () => {
  const { parts, failure } = await model.listen('cut', [
    { say: 'Half an ans', pieces: 3 },
    { cut: true },
  ]);
  expect(said(parts)).toBe('Half an ans');
  expect(parts.some((part) => part.type === 'finish')).toBe(false);
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: true, refused: false });
  expect(await model.server.closed('cut', 1)).toBe('server');
});

it('a stream that ends whole but without a finish reason is a failure', async () => {
  const chunk = { choices: [{ index: 0, delta: { content: 'Hal' }, finish_reason: null }] };
  await using plain = await startPlainServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`data: ${JSON.stringify(chunk)}\n\n`);
  });
  const models = createModels({ openaiBaseUrl: plain.url });
  const { parts, failure } = await collect(models('openai-compatible/x').stream(HELLO, never));
  expect(said(parts)).toBe('Hal');
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: true });
});

it('a malformed chunk is a failure, and closes the connection', async () => {
  const { parts, failure } = await model.listen('malformed', [
    { say: 'Fine so far' },
    { malformed: '{"choices": [{"del' },
    { stall: true },
  ]);
  expect(said(parts)).toBe('Fine so far');
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: true });
  expect(await model.server.closed('malformed', 1)).toBe('client');
});

it('an error inside the stream is a failure with its message, final where the request was at fault', async () => {
  const overloaded = await model.listen('overloaded', [
    { malformed: '{"error":{"message":"try later","type":"server_error"}}' },
  ]);
  expect(overloaded.failure).toMatchObject({ retryable: true });
  expect(overloaded.failure?.message).toContain('try later');
  const invalid = await model.listen('invalid', [
    { malformed: '{"error":{"message":"too long","type":"invalid_request_error"}}' },
  ]);
  expect(invalid.failure).toMatchObject({ retryable: false });
});

it('a provider that nobody listens for may be tried again', async () => {
  const models = createModels({ openaiBaseUrl: 'http://127.0.0.1:1/v1' });
  const stream = models('openai-compatible/x').stream(HELLO, never);
  const { failure } = await collect(stream);
  expect(failure).toMatchObject({ name: 'ModelFailure', retryable: true });
});
