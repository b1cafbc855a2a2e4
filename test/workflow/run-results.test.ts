import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { newId } from '../../api/ids.ts';
import type { FeedReader } from '../support/feed-reader.ts';
import { DEFAULT_USAGE, gate, type ScriptStep, type Turn } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig, type StartBody } from '../support/rig.ts';
import { archiveOf, expectLeft, sha256 } from './left-behind.ts';

const ANSWER = 'It is forty-two 🦁, of course.';
const HALF = 'It is forty-two 🦁, of';
const REFUSED: ScriptStep = {
  malformed: '{"error":{"message":"out of tea","type":"invalid_request_error"}}',
};
/** A provider's error in mid-stream after which no other attempt follows. */
const breaksOff = (text: string): Turn => [{ say: text, pieces: 4 }, REFUSED];
const LOOKS_UP: ScriptStep = { call: { id: 'c1', name: 'look_up', arguments: { what: 'it' } } };
/** More than a run of this file may use: a token is estimated as four characters. */
const MAX_TOKENS = 5_000;

/** What a careless tool returns, and what is made of it. */
const DIRTY = { 'a\u0000': ['b\uD800', { c: 'x\uDC00y' }], fine: '🦁' };
const CLEAN = { 'a\uFFFD': ['b\uFFFD', { c: 'x\uFFFDy' }], fine: '🦁' };
const lookUp = defineTool({
  name: 'look_up',
  description: 'Looks something up.',
  parameters: z.object({ what: z.string() }),
  run: async ({ what }) => (what === 'dirt' ? DIRTY : `about ${what}`),
});

describe.each(RELAY_MOODS)('what a run leaves behind, relay %s', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay, tools: [lookUp], defaults: { maxTokens: MAX_TOKENS } });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  interface Started {
    id: string;
    key: string;
    conversation_id: string;
    reader: FeedReader;
  }

  /** A run in a conversation of its own unless one is given, with a reader. */
  async function run(turns: Turn[], body: Partial<StartBody> = {}): Promise<Started> {
    const { model, key } = rig.script(...turns);
    const conversation_id = body.conversation_id ?? newId('conv');
    const { id } = await rig.start({ input: 'What is it?', model, ...body, conversation_id });
    return { id, key, conversation_id, reader: await rig.read(id) };
  }

  it('R1 appends exactly one assistant message with the final answer', async () => {
    const { id, conversation_id, reader } = await run([[{ say: ANSWER, pieces: 5 }]]);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(await rig.messages(conversation_id)).toMatchObject([
      { role: 'user', content: 'What is it?', partial: false, task_id: id },
      { role: 'assistant', content: ANSWER, partial: false, task_id: id },
    ]);
  });

  it('R2 keeps the partial answer of a run that fails, as message marked partial and as partial_output', async () => {
    const { id, reader } = await run([breaksOff(HALF)]);
    const { failure } = await expectLeft(rig, id, { text: HALF, code: 'model_error', reader });
    expect(failure?.message).toContain('out of tea');
    expect(reader.screen.text(1)).toBe(HALF);
  });

  it('R2 keeps what the last attempt that spoke had said, when every attempt was cut', async () => {
    const cut: ScriptStep = { cut: true };
    const { id, key, reader } = await run([[{ say: 'One' }, cut], [{ say: 'Two' }, cut], [cut]]);
    await expectLeft(rig, id, { text: 'Two', code: 'model_error', reader });
    expect(rig.model.calls(key)).toBe(3);
    expect(reader.screen.text(1)).toBe('Two');
  });

  it('R3 stores no assistant message where the error came before any text of the answer', async () => {
    const refused = await run([[{ status: 400 }]]);
    await expectLeft(rig, refused.id, { text: null, code: 'model_error', reader: refused.reader });
    const reasoned = await run([[{ reason: 'Hm, ' }, REFUSED]]);
    await expectLeft(rig, reasoned.id, {
      text: null,
      code: 'model_error',
      reader: reasoned.reader,
    });
  });

  it('R5 gives the next task of a conversation the messages of the one before, in order', async () => {
    const first = await run([[{ say: ANSWER }]], { input: 'What is it?' });
    await expectLeft(rig, first.id, { text: ANSWER, code: null });
    const { conversation_id } = first;
    const second = await run([breaksOff(HALF)], { input: 'And then?', conversation_id });
    await expectLeft(rig, second.id, { text: HALF, code: 'model_error' });
    const third = await run([[{ say: 'So it ends.' }]], { input: 'At last?', conversation_id });
    await expectLeft(rig, third.id, { text: 'So it ends.', code: null });

    const [request] = rig.model.requests(third.key);
    const [system, ...said] = request?.body.messages ?? [];
    expect(system?.role).toBe('system');
    expect(said.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'What is it?'],
      ['assistant', ANSWER],
      ['user', 'And then?'],
      ['assistant', expect.stringMatching(new RegExp(`^${HALF}`))],
      ['user', 'At last?'],
    ]);
  });

  it('R7 stores neither reasoning nor the text of steps that went on to call tools', async () => {
    const { id, reader } = await run([
      [{ reason: 'Where to look? ' }, { say: 'Let me look it up. ' }, LOOKS_UP],
      [{ reason: 'Now I know. ' }, { say: ANSWER, pieces: 3 }],
    ]);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(reader.screen.all(2)).toBe(`Now I know. ${ANSWER}`);
    expect(reader.screen.text(1)).toBe('Let me look it up. ');
  });

  it('R8 records the tokens of all calls, as the provider gave them', async () => {
    const { id } = await run([[LOOKS_UP], [{ say: ANSWER }]]);
    const { usage } = await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(usage).toEqual({
      input_tokens: 2 * DEFAULT_USAGE.prompt_tokens,
      output_tokens: 2 * DEFAULT_USAGE.completion_tokens,
      estimated: false,
    });
  });

  it('R8 counts no tokens of calls that the provider refused, which use up no budget either', async () => {
    const refused: ScriptStep = { status: 429, retryAfter: '0' };
    // Twice in MAX_TOKENS, and not three times.
    const input = 'What is it? '.repeat(650);
    const { id } = await run([[refused], [refused], [{ say: ANSWER }]], { input });
    const { usage } = await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(usage).toEqual({
      input_tokens: DEFAULT_USAGE.prompt_tokens,
      output_tokens: DEFAULT_USAGE.completion_tokens,
      estimated: false,
    });
  });

  it('R8 estimates the tokens where the provider gave none: completed, failed or cancelled', async () => {
    const untold = await run([[{ say: ANSWER }, { usage: null }]]);
    const failed = await run([[LOOKS_UP], breaksOff(HALF)]);
    const held = gate();
    const stopped = await run([[{ say: HALF }, { gate: held }]]);
    await stopped.reader.untilTrue(() => stopped.reader.screen.text(1) === HALF);
    await rig.cancel(stopped.id);
    const [ended, broken, cancelled] = await Promise.all([
      expectLeft(rig, untold.id, { text: ANSWER, code: null }),
      expectLeft(rig, failed.id, { text: HALF, code: 'model_error' }),
      expectLeft(rig, stopped.id, { text: HALF, code: 'cancelled' }),
    ]);
    for (const { usage } of [ended, broken, cancelled]) {
      expect(usage.estimated).toBe(true);
      expect(usage.input_tokens).toBeGreaterThan(0);
      expect(usage.output_tokens).toBeGreaterThan(0);
    }
    // The step before the failure was counted by the provider.
    expect(broken.usage.output_tokens).toBeGreaterThan(DEFAULT_USAGE.completion_tokens);
  });

  it('R9 keeps no answer of a step in which a tool call had begun', async () => {
    const held = gate();
    const stopped = await run([[{ say: HALF }, LOOKS_UP, { gate: held }]]);
    await held.reached;
    await stopped.reader.untilTrue(() => stopped.reader.screen.text(1) === HALF);
    await rig.cancel(stopped.id);
    await expectLeft(rig, stopped.id, { text: null, code: 'cancelled', reader: stopped.reader });
    const broken = await run([[{ say: HALF }, LOOKS_UP, REFUSED]]);
    await expectLeft(rig, broken.id, { text: null, code: 'model_error', reader: broken.reader });
    expect((await archiveOf(rig, broken.id)).at(-2)).toMatchObject({
      type: 'turn.interrupted',
      data: { text: HALF, tool_call_begun: true },
    });
  });

  it('R10 keeps the partial of a run that is out of time', async () => {
    const { id, key, reader } = await run([[{ say: HALF }, { stall: true }]], {
      timeout_seconds: 2,
    });
    await expectLeft(rig, id, { text: HALF, code: 'timed_out', reader });
    expect(await rig.model.closed(key, 1)).toBe('client');
  });

  it('R10 keeps the partial of a run that is out of tokens, and hangs up', async () => {
    const talk = 'on and on '.repeat(10_000);
    const { id, key, reader } = await run([[{ say: talk, pieces: 1000 }, { stall: true }]]);
    const { partial_output: partial } = await rig.untilEnd(id);
    await expectLeft(rig, id, { text: partial, code: 'budget_exceeded', reader });
    expect(partial?.length).toBeGreaterThan(MAX_TOKENS);
    expect(talk.startsWith(partial ?? '-')).toBe(true);
    expect(reader.screen.text(1)).toBe(partial);
    expect(await rig.model.closed(key, 1)).toBe('client');
  });

  it('R10 logs what a run at its last step had said, which is thinking and no answer', async () => {
    const { id, reader } = await run([[LOOKS_UP], [{ say: HALF }, LOOKS_UP]], { max_steps: 2 });
    await expectLeft(rig, id, { text: null, code: 'max_steps_exceeded', reader });
    expect((await archiveOf(rig, id)).at(-2)).toMatchObject({
      type: 'turn.interrupted',
      data: { step: 2, text: HALF },
    });
  });

  it('R11 cleans the text of a model once, in whatever pieces it came', async () => {
    // Pieces of two units: the pair of the lion is cut in its middle; what stays half is replaced.
    const said = 'a\u0000b🦁\uD83Ec\uDD81d\u0000\u0000e\uD83E';
    const clean = 'a\uFFFDb🦁\uFFFDc\uFFFDd\uFFFD\uFFFDe\uFFFD';
    for (const pieces of [1, 7, said.length]) {
      const { id, reader } = await run([
        [
          { reason: said, pieces },
          { say: said, pieces },
        ],
      ]);
      await expectLeft(rig, id, { text: clean, code: null, reader });
      expect(sha256(reader.screen.text(1))).toBe(sha256(clean));
      expect(reader.screen.all(1)).toBe(clean + clean);
    }
  });

  it('R11 cleans what a tool returns, and what it is given', async () => {
    const call = { id: 'c\u0000', name: 'look_up', arguments: { what: 'dirt', more: '\uD800' } };
    const { id, key, reader } = await run([[{ call }], [{ say: ANSWER }]]);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const log = await archiveOf(rig, id);
    expect(log).toContainEqual(
      expect.objectContaining({
        type: 'turn.tool_call',
        data: expect.objectContaining({ arguments: { what: 'dirt', more: '\uFFFD' } }),
      }),
    );
    const result = log.find(({ type }) => type === 'turn.tool_result');
    expect(result?.data).toMatchObject({ output: CLEAN, is_error: false });
    const told = rig.model.requests(key)[1]?.body.messages.at(-1);
    expect(JSON.parse(String(told?.content))).toEqual(CLEAN);
  });
});
