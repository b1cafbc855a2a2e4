import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEventOf, TerminalEvent } from '../../contract/events.ts';
import { openEventSource } from '../support/event-source.ts';
import { entriesOf, type FeedReader } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { playFrames, rawEntries } from '../support/reader-promise.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import {
  ANSWER,
  EVENTFUL,
  EVENTFUL_LOG,
  saying,
  scriptEventful,
  scriptHalves,
  text,
} from './feed-runs.ts';

const FIRST = 'A run outlives 🌍 the ';
const SECOND = 'connection that started it.';
const newConversation = () => `conv_${randomUUID().replaceAll('-', '')}`;
const sha256 = (words: string) => createHash('sha256').update(words, 'utf8').digest('hex');

function typesOf({ frames }: FeedReader): string[] {
  return entriesOf(frames).map(({ type }) => type);
}

function terminalOf({ frames }: FeedReader): TerminalEvent {
  return entriesOf(frames).at(-1) as TerminalEvent;
}

describe.each(RELAY_MOODS)('with a %s relay', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const start = (script: { model: string }, conversation_id?: string) => {
    const conversation = conversation_id === undefined ? {} : { conversation_id };
    return rig.start({ input: 'What is 17*23?', model: script.model, ...conversation });
  };

  it.concurrent(
    'F1 F3 gives several readers of a task the same, and nothing of another task',
    async () => {
      const tasks = await Promise.all([start(scriptEventful(rig)), start(scriptEventful(rig))]);
      for (const { id } of tasks) {
        const readers = await Promise.all([rig.read(id), rig.read(id), rig.read(id)]);
        for (const reader of readers) {
          await reader.ended;
          expect(reader.frames.filter((frame) => !frame.id.startsWith(`${id}:`))).toEqual([]);
          expect(playFrames(reader.frames, EVENTFUL).at(-1)?.screen).toEqual(readers[0]?.screen);
          expect(rawEntries(reader.frames)).toEqual(rawEntries(readers[0]?.frames ?? []));
          expect(reader.screen.text(2)).toBe(ANSWER);
        }
      }
    },
  );

  it.concurrent(
    'F2 gives a late reader the log from seq 1, then the text so far, then what comes',
    async () => {
      const half = gate();
      const task = await start(scriptHalves(rig, half, [FIRST, SECOND]));
      await half.reached;
      const late = await rig.read(task.id);
      await late.untilTrue(() => late.screen.text(1) === FIRST);
      expect(entriesOf(late.frames).map(({ seq }) => seq)).toEqual([1, 2, 3]);
      half.open();
      await late.ended;
      expect(entriesOf(late.frames).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
      playFrames(late.frames, saying(FIRST + SECOND));
      expect(late.screen.text(1)).toBe(FIRST + SECOND);
    },
  );

  it.concurrent('F4 holds the steps of a run, its answer, and one end', async () => {
    const reader = await rig.read((await start(scriptEventful(rig))).id);
    await reader.ended;
    expect(typesOf(reader)).toEqual(EVENTFUL_LOG);
    const entries = entriesOf(reader.frames);
    const data = <T extends 'turn.thinking' | 'turn.tool_call' | 'turn.tool_result'>(type: T) =>
      (entries.find((entry) => entry.type === type) as LogEventOf<T>).data;
    expect(data('turn.thinking').blocks).toEqual(EVENTFUL.get('1.1'));
    const call = { step: 1, call_id: 'c1' };
    const asked = { ...call, name: 'calculator', arguments: { expression: '17*23' } };
    expect(data('turn.tool_call')).toEqual(asked);
    expect(data('turn.tool_result')).toMatchObject({ ...call, is_error: false });
    expect(JSON.stringify(data('turn.tool_result').output)).toContain('391');
    expect(terminalOf(reader).data).toMatchObject({ output: { text: ANSWER } });
  });

  it.concurrent(
    'F5 ends the feed of a failed run with one task.failed that holds the cause',
    async () => {
      const message = 'this model has no taste for arithmetic';
      const script = rig.script([{ status: 400, body: { error: { message } } }]);
      const reader = await rig.read((await start(script)).id);
      await reader.ended;
      expect(typesOf(reader).filter((type) => type.startsWith('task.'))).toEqual([
        'task.accepted',
        'task.started',
        'task.failed',
      ]);
      const { data } = terminalOf(reader) as LogEventOf<'task.failed'>;
      expect(data.failure.code).toBe('model_error');
      expect(data.error).toContain(message);
    },
  );

  it.concurrent(
    'F6 leaves a run alone whose reader goes away, and tells the rest on its return',
    async () => {
      const half = gate();
      const task = await start(scriptHalves(rig, half, [FIRST, SECOND]));
      const reader = await rig.read(task.id);
      await reader.untilTrue(() => reader.screen.text(1) === FIRST);
      reader.drop();
      await reader.ended;
      half.open();
      const { status, output } = await rig.untilEnd(task.id);
      expect([status, output]).toEqual(['COMPLETED', { text: FIRST + SECOND }]);
      const { screen } = reader;
      const back = await rig.read(task.id, { cursor: reader.frames.at(-1)?.id, screen });
      await back.ended;
      expect(typesOf(back)).toEqual(['turn.final_answer', 'task.completed']);
      expect(screen.text(1)).toBe(FIRST + SECOND);
    },
  );

  it.concurrent(
    'F9 gives a reset where an attempt is retried, and nothing of a lower one after it',
    async () => {
      const [lost, half] = [gate(), gate()];
      const { model } = rig.script(
        [{ say: 'A lost try', pieces: 3 }, { gate: lost }, { cut: true }],
        [{ say: FIRST, pieces: 3 }, { gate: half }, { say: SECOND, pieces: 3 }],
      );
      const task = await start({ model }, newConversation());
      const reader = await rig.read(task.id);
      await reader.untilTrue(() => reader.screen.text(1) === 'A lost try');
      lost.open();
      await reader.untilTrue(() => reader.screen.text(1) === FIRST);
      for (const [offset, words] of [
        [0, 'A lost try'],
        [10, ' goes on'],
        [FIRST.length, 'x'],
      ] as const) {
        const piece = { step: 1, attempt: 1, block: 0, kind: 'text', offset, text: words } as const;
        rig.relay.publish(task.id, { kind: 'delta', seq: 3, piece });
      }
      half.open();
      await reader.ended;
      const spoken = new Map([
        ['1.1', [text('A lost try')]],
        ['1.2', [text(FIRST + SECOND)]],
      ]);
      playFrames(reader.frames, spoken);
      expect(reader.frames.filter(({ frame }) => frame.type === 'turn.reset')).toHaveLength(1);
      const [, stored] = await rig.messages(task.conversation_id ?? '');
      expect(stored?.content).toBe(FIRST + SECOND);
      expect(reader.screen.text(1)).toBe(FIRST + SECOND);
    },
  );

  it.concurrent(
    'F11 ends after the terminal event, and with 204 a stock EventSource stays away',
    async () => {
      const task = await start(rig.script([{ say: FIRST, pieces: 3 }]));
      using source = openEventSource(`${rig.url}/v1/tasks/${task.id}/events`);
      await source.closed;
      expect(source.connections()).toBe(1);
      const last = source.frames.at(-1);
      expect(last?.frame.type).toBe('task.completed');
      const again = await rig.read(task.id, { cursor: last?.id });
      await again.ended;
      expect([again.status, again.frames]).toEqual([204, []]);
    },
  );

  it.concurrent('F14 seals the answer that a reader put together, and that is stored', async () => {
    const answer = `${'🎉'.repeat(5)} naïve 𝒳 👩‍👩‍👧`;
    // Pieces of an odd length end in half a character.
    const { model } = rig.script([
      { reason: 'Hm 🧐🧐🧐', pieces: 5 },
      { say: answer, pieces: 9 },
    ]);
    const task = await start({ model }, newConversation());
    const reader = await rig.read(task.id);
    await reader.ended;
    playFrames(
      reader.frames,
      new Map([['1.1', [{ kind: 'reasoning', text: 'Hm 🧐🧐🧐' }, text(answer)]]]),
    );
    expect(reader.screen.text(1)).toBe(answer);
    const sealed = { text_length: answer.length, text_sha256: sha256(answer) };
    expect(terminalOf(reader).data).toMatchObject(sealed);
    const [, stored] = await rig.messages(task.conversation_id ?? '');
    expect(stored?.content).toBe(answer);
  });

  it.concurrent(
    'F14 seals what was left of a run that failed, and nothing where it left nothing',
    async () => {
      const turn = [{ say: FIRST, pieces: 5 }, { cut: true }] as const;
      const failing = await start(rig.script(turn, turn, turn), newConversation());
      const silent = await start(rig.script([{ status: 400 }]), newConversation());
      for (const [task, left] of [
        [failing, FIRST],
        [silent, ''],
      ] as const) {
        const reader = await rig.read(task.id);
        await reader.ended;
        expect(reader.screen.text(1)).toBe(left);
        const sealed = { text_length: left.length, text_sha256: sha256(left) };
        expect(terminalOf(reader).data).toMatchObject({ ...sealed, partial_output: left || null });
        const stored = (await rig.messages(task.conversation_id ?? '')).slice(1);
        expect(stored.map(({ content, partial }) => ({ content, partial }))).toEqual(
          left ? [{ content: left, partial: true }] : [],
        );
      }
    },
  );

  it.concurrent('gives the same log without deltas to a reader that asks for none', async () => {
    const task = await start(scriptEventful(rig));
    const [whole, entries] = await Promise.all([
      rig.read(task.id),
      rig.read(task.id, { query: '?deltas=false' }),
    ]);
    await Promise.all([whole.ended, entries.ended]);
    expect(entries.frames.map(({ raw }) => raw)).toEqual(rawEntries(whole.frames));
  });
});
