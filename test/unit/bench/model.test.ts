import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createModelServer } from '../../../bench/model/create-model-server.ts';
import { createModelReports } from '../../../bench/model/start-model.ts';
import { modelName, parseModelName, type ModelSpec } from '../../../bench/model-spec.ts';
import { observeRun } from '../../../bench/observe-run.ts';
import { direct } from '../../../bench/systems/direct.ts';
import { findFaults } from '../../../bench/transcript.ts';

const SPEC: ModelSpec = {
  key: 'run-1',
  steps: 2,
  tokens: 5,
  intervalMs: 2,
  tokenLength: 40,
  silentAfter: 0,
};

async function openModel() {
  await using resources = new AsyncDisposableStack();
  const server = createModelServer().listen(0, '127.0.0.1');
  resources.defer(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const environment = { modelUrl: url, postgresUrl: '', redisUrl: '', temporalAddress: '' };
  const system = await direct.open({ ...environment, scratchDir: '' });
  const opened = resources.move();
  return {
    url,
    system,
    reports: createModelReports(url),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

describe('the scripted model', () => {
  it('is told what to do by the name of the model alone', () => {
    expect(parseModelName(modelName(SPEC))).toEqual(SPEC);
    expect(parseModelName('gpt-5')).toBeNull();
    expect(parseModelName(`${modelName(SPEC)}_x`)).toBeNull();
  });

  it('says every token of every step once, each in an answer of its own', async () => {
    await using model = await openModel();
    const { transcript } = await observeRun(model.system, SPEC);
    const calls = await model.reports.calls(SPEC.key);
    expect(calls).toHaveLength(2);
    expect(calls.every(({ closedBy, tokens }) => closedBy === 'server' && tokens === 5)).toBe(true);
    expect(findFaults(transcript.tokens, SPEC, calls)).toEqual({
      lost: 0,
      doubled: 0,
      misplaced: 0,
      spliced: 0,
    });
  });

  it('says no token ahead of its time', async () => {
    await using model = await openModel();
    const { transcript } = await observeRun(model.system, { ...SPEC, steps: 1 });
    const [call] = await model.reports.calls(SPEC.key);
    for (const { number, sentAt } of transcript.tokens) {
      const afterMs = Number(sentAt - BigInt(call?.arrivedAt ?? 0)) / 1e6;
      expect(afterMs).toBeGreaterThanOrEqual((number + 1) * SPEC.intervalMs);
    }
  });

  it('falls silent where it is told to, and notes that its client went away', async () => {
    await using model = await openModel();
    const leaving = new AbortController();
    const run = await model.system.start({ ...SPEC, steps: 1, silentAfter: 3 }, leaving.signal);
    let text = '';
    const reading = (async () => {
      for await (const chunk of run.chunks) {
        text += chunk.text;
        if (text.length === 3 * SPEC.tokenLength) leaving.abort();
      }
    })();
    await expect(reading).rejects.toThrow();
    await expect
      .poll(() => model.reports.calls(SPEC.key))
      .toMatchObject([{ closedBy: 'client', tokens: 3 }]);
  });

  it('answers as a stream of the chat completions and as one JSON with the same tool call', async () => {
    await using model = await openModel();
    const ask = async (stream: boolean) => {
      const response = await fetch(`${model.url}/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({
          model: modelName(SPEC),
          messages: [{ role: 'user' }],
          stream,
          stream_options: { include_usage: true },
        }),
      });
      return response.text();
    };
    const called = '"arguments":"{\\"expression\\":\\"1 + 1\\"}"';
    const streamed = await ask(true);
    expect(streamed).toContain(called);
    expect(streamed).toContain('"finish_reason":"tool_calls"');
    expect(streamed).toContain('"completion_tokens":5');
    expect(streamed.endsWith('data: [DONE]\n\n')).toBe(true);
    const whole = await ask(false);
    expect(whole).toContain(called);
    expect(JSON.parse(whole)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
  });
});
