import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { listen, OutOfBudget, type ListenOptions } from '../../../activities/listen.ts';
import { ModelFailure, type ModelPart } from '../../../activities/models/model.ts';
import type { ModelTurn } from '../../../activities/types.ts';
import { NO_USAGE } from '../../../contract/task.ts';
import { appendText } from '../../../contract/text.ts';

const text = (words: string): ModelPart => ({ type: 'text', kind: 'text', text: words });
const call: ModelPart = {
  type: 'tool_call',
  call: { callId: 'a', name: 'calculator', arguments: { expression: '1+1' } },
};
const finish = (usage: object): ModelPart => ({ type: 'finish', reason: 'stop', usage });

/** Listens to these parts; `silence` stands for a model that says nothing more until it is hung up. */
async function hear(
  parts: readonly (ModelPart | 'silence')[],
  options: Partial<ListenOptions> = {},
) {
  const said: ModelTurn = {
    ...{ blocks: [], calls: [] },
    usage: NO_USAGE,
  };
  let hungUp: AbortSignal | undefined;
  async function* speak(signal: AbortSignal) {
    hungUp = signal;
    for (const part of parts) {
      if (part !== 'silence') yield part;
      else await wait(60_000, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
  const failure: unknown = await listen({
    ...{ parts: speak, promptTokens: 7, said, tokensLeft: 1_000_000, idleTimeoutMs: 60_000 },
    say: (kind, piece) => appendText(said.blocks, kind, piece),
    stop: new AbortController().signal,
    ...options,
  }).then(
    () => null,
    (error: unknown) => error,
  );
  return { said, failure, hungUp: hungUp?.aborted };
}

describe('listening to a model', () => {
  it('takes its words, its calls and its own figures', async () => {
    const { said, failure, hungUp } = await hear([
      { type: 'text', kind: 'reasoning', text: 'Hm. ' },
      text('It '),
      text('is'),
      { type: 'tool_call_begun' },
      call,
      finish({ input_tokens: 12, output_tokens: 3 }),
    ]);
    expect([failure, hungUp]).toEqual([null, true]);
    expect(said).toEqual({
      blocks: [
        { kind: 'reasoning', text: 'Hm. ' },
        { kind: 'text', text: 'It is' },
      ],
      calls: [call.type === 'tool_call' && call.call],
      tool_call_begun: true,
      usage: { input_tokens: 12, output_tokens: 3, estimated: false },
    });
  });

  it('estimates the figures that the provider does not give', async () => {
    const silent = await hear([text('12345678'), finish({})]);
    expect(silent.said.usage).toEqual({ input_tokens: 7, output_tokens: 2, estimated: true });
    const half = await hear([text('12345678'), finish({ output_tokens: 9 })]);
    expect(half.said.usage).toEqual({ input_tokens: 7, output_tokens: 9, estimated: true });
  });

  it('gives up a model that falls silent, so that another attempt can be made', async () => {
    const { said, failure, hungUp } = await hear([text('It is'), 'silence'], { idleTimeoutMs: 20 });
    expect(failure).toBeInstanceOf(ModelFailure);
    expect(failure).toMatchObject({ retryable: true });
    expect([said.blocks[0]?.text, hungUp]).toEqual(['It is', true]);
  });

  it.each([
    ['does not count the prompt that the provider has refused', true, NO_USAGE],
    [
      'counts the prompt where the provider has broken off',
      false,
      { input_tokens: 7, output_tokens: 0, estimated: true },
    ],
  ])('%s', async (_, refused, usage) => {
    async function* parts(): AsyncGenerator<ModelPart> {
      await wait(1);
      throw new ModelFailure('no', { retryable: true, refused });
    }
    const { said } = await hear([], { parts });
    expect(said.usage).toEqual(usage);
  });

  it('stops with the reason that it is given, also in a silence', async () => {
    const stop = new AbortController();
    const heard = hear([text('It is'), 'silence'], {
      say: () => stop.abort(new Error('cancelled')),
      stop: stop.signal,
    });
    expect(await heard).toMatchObject({ failure: { message: 'cancelled' }, hungUp: true });
  });

  it('hangs up when the tokens are used up, before the first word or in the middle', async () => {
    const words = Array.from({ length: 50 }, () => text('four'));
    const middle = await hear(words, { tokensLeft: 17 });
    expect(middle.failure).toBeInstanceOf(OutOfBudget);
    expect(middle.said.usage).toEqual({ input_tokens: 7, output_tokens: 11, estimated: true });
    expect(middle.said.blocks[0]?.text).toBe('four'.repeat(11));
    expect(middle.hungUp).toBe(true);
    const first = await hear(words, { tokensLeft: 6 });
    expect(first.failure).toBeInstanceOf(OutOfBudget);
    expect([first.said.blocks, first.hungUp]).toEqual([[], undefined]);
    expect(first.said.usage).toEqual(NO_USAGE);
  });

  it('counts the arguments of a call while they come', async () => {
    const more = Array.from({ length: 5 }, () => ({ type: 'tool_call_delta' as const, length: 8 }));
    const { failure, said } = await hear([...more, finish({})]);
    expect(failure).toBeNull();
    expect(said.usage.output_tokens).toBe(10);
  });

  it('gives up a model that calls more tools in one step than a run may have under way', async () => {
    const calls = Array.from({ length: 129 }, (_, n) => ({
      type: 'tool_call' as const,
      call: { callId: `c${n}`, name: 'calculator', arguments: {} },
    }));
    expect(await hear(calls)).toMatchObject({ failure: { retryable: false }, hungUp: true });
  });

  it('gives up a model that says more than one entry of the log may hold', async () => {
    const { failure, hungUp } = await hear(
      // Each character takes six bytes of JSON.
      Array.from({ length: 400 }, () => text('\u0001'.repeat(1_000))),
    );
    expect(failure).toBeInstanceOf(ModelFailure);
    expect(failure).toMatchObject({ retryable: false });
    expect(hungUp).toBe(true);
  });
});
