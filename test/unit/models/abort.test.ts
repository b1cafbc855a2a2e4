import { expect, it } from 'vitest';
import { createModels } from '../../../activities/models/create-models.ts';
import type { ModelPart } from '../../../activities/models/model.ts';
import { gate } from '../../support/model-server.ts';
import { startPlainServer } from '../../support/plain-server.ts';
import { collect, HELLO, said, useScriptedModel } from './listen.ts';

const model = useScriptedModel();

it('closes the connection of a silent model at once and ends with the reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const silence = gate();
  const listening = model.listen('silent', [{ say: 'Well' }, { gate: silence }], controller.signal);
  await silence.reached;
  controller.abort(reason);
  const { failure } = await listening;
  expect(failure).toBe(reason);
  expect(await model.server.closed('silent', 1)).toBe('client');
});

it('closes the connection of a talking model and ends with the reason', async () => {
  const controller = new AbortController();
  model.server.script('talking', [[{ say: 'bla '.repeat(50_000), pieces: 50_000, everyMs: 0 }]]);
  const parts: ModelPart[] = [];
  const reading = (async () => {
    for await (const part of model.ask('talking', {}, controller.signal)) {
      parts.push(part);
      if (parts.length === 5) controller.abort('stop');
    }
  })();
  await expect(reading).rejects.toBe('stop');
  expect(parts).toHaveLength(5);
  expect(await model.server.closed('talking', 1)).toBe('client');
  expect(model.server.sent('talking', 1).startsWith(said(parts))).toBe(true);
});

it('closes the connection while the provider has not answered at all', async () => {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  await using plain = await startPlainServer((_, response) => {
    response.on('close', () => closed.resolve());
    asked.resolve();
  });
  const controller = new AbortController();
  const models = createModels({ openaiBaseUrl: plain.url });
  const listening = collect(models('openai-compatible/x').stream(HELLO, controller.signal));
  await asked.promise;
  controller.abort('stop');
  expect((await listening).failure).toBe('stop');
  await closed.promise;
});

it('makes no request at all where the signal is aborted before', async () => {
  const stream = model.ask('unasked', {}, AbortSignal.abort('before'));
  expect((await collect(stream)).failure).toBe('before');
  expect(model.server.calls('unasked')).toBe(0);
});

it('a reader that leaves the loop closes the connection', async () => {
  model.server.script('left', [[{ say: 'one' }, { stall: true }]]);
  for await (const part of model.ask('left')) if (part.type === 'text') break;
  expect(await model.server.closed('left', 1)).toBe('client');
});
