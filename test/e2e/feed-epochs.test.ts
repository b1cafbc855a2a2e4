import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTranscripts } from '../../client/transcripts.ts';
import { isTerminalEvent } from '../../contract/events.ts';
import type { Task } from '../../contract/wire.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { openEventSource } from '../support/event-source.ts';
import { entriesOf, openReader, taskOf, type ReceivedFrame } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { playFrames, rawEntries } from '../support/reader-promise.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import {
  ANSWER,
  EVENTFUL,
  EVENTFUL_LOG,
  saying,
  scriptEventful,
  scriptHalves,
} from './feed-runs.ts';
import { entryTypes } from './resumed-readers.ts';

const newId = () => `order-${randomUUID().slice(0, 8)}`;
/** Whose ids the frames have. */
const cursorsOf = (frames: readonly ReceivedFrame[]) =>
  new Set(frames.map(({ id }) => id.slice(0, id.indexOf(':'))));
const hasEnded = (frames: readonly ReceivedFrame[]) => entriesOf(frames).some(isTerminalEvent);

describe('the feed of an id that was chosen', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const start = (id: string, { model }: { model: string }, body: object = {}) =>
    rig.start({ input: 'What is 17*23?', model, id, ...body });
  /** An epoch that has ended. */
  async function ended(id: string, said = 'The first answer.'): Promise<Task> {
    const { workflow } = await start(id, rig.script([{ say: said }]));
    return rig.untilEnd(workflow.workflow_id === id ? `${id}.e1` : workflow.workflow_id);
  }

  it.concurrent(
    'M6 F7 gives a stock EventSource that is cut after every frame the newest epoch alone',
    async () => {
      const id = newId();
      await ended(id);
      expect(await start(id, scriptEventful(rig))).toMatchObject({ id, epoch: 2 });
      await using proxy = await startCuttingProxy({ target: rig.url, framesPerConnection: 1 });
      using source = openEventSource(`${proxy.url}v1/tasks/${id}/events`);
      await source.closed;
      expect(entryTypes(source.frames)).toEqual(EVENTFUL_LOG);
      expect(playFrames(source.frames, EVENTFUL).at(-1)?.screen.text(2)).toBe(ANSWER);
      expect(cursorsOf(source.frames)).toEqual(new Set([`${id}.e2`]));
      const entries = entriesOf(source.frames);
      expect(new Set(entries.map(({ task_id }) => task_id))).toEqual(new Set([id]));
      expect(entries[0]?.data).toMatchObject({ epoch: 2 });

      using named = openEventSource(`${rig.url}/v1/tasks/${id}.e2/events`);
      await named.closed;
      expect(rawEntries(named.frames)).toEqual(rawEntries(source.frames));
    },
  );

  it.concurrent(
    'F8.8 ends an EventSource with its own epoch: its cursor is foreign to the next one',
    async () => {
      const id = newId();
      const half = gate();
      const script = scriptHalves(rig, half, ['Whatever is asked, ', 'it ends.']);
      await start(id, script);
      using whole = openEventSource(`${rig.url}/v1/tasks/${id}/events`);
      using ofEpoch = openEventSource(`${rig.url}/v1/tasks/${id}.e1/events`);
      await half.reached;
      half.open();
      await eventually(() => [whole, ofEpoch].every(({ frames }) => hasEnded(frames)), 'the end');
      const next = await start(id, rig.script([{ say: 'Anew.' }]));
      expect(next.epoch).toBe(2);
      await Promise.all([whole.closed, ofEpoch.closed]);
      for (const { frames } of [whole, ofEpoch]) {
        expect(cursorsOf(frames)).toEqual(new Set([id]));
        playFrames(frames, saying('Whatever is asked, it ends.'));
      }
      const last = whole.frames.at(-1)!.id;
      const answers = await Promise.all(
        [id, `${id}.e2`, `${id}.e1`].map((named) => rig.read(named, { cursor: last })),
      );
      expect(answers.map(({ status }) => status)).toEqual([409, 409, 204]);
      await rig.untilEnd(id);
    },
  );

  it.concurrent(
    'F3 F7 gives one epoch after the other in the feed of a conversation, wherever it is cut',
    async () => {
      const id = newId();
      const conversation_id = `conv_${randomUUID()}`;
      const feed = `v1/conversations/${conversation_id}/events`;
      await start(id, rig.script([{ say: 'The first answer.', pieces: 3 }]), { conversation_id });
      const uncut = await openReader(`${rig.url}/${feed}`, { screens: new Map() });
      await using proxy = await startCuttingProxy({ target: rig.url, framesPerConnection: 2 });
      using source = openEventSource(proxy.url + feed);
      void source.closed.catch(() => undefined);
      await rig.untilEnd(id);
      await start(id, rig.script([{ say: 'The second.', pieces: 3 }]), { conversation_id });
      const all = [uncut, source].map(({ frames }) => frames);
      const ends = (frames: ReceivedFrame[]) => entriesOf(frames).filter(isTerminalEvent).length;
      await eventually(() => all.every((frames) => ends(frames) === 2), 'both ends');
      uncut.drop();

      expect(rawEntries(source.frames)).toEqual(rawEntries(uncut.frames));
      for (const frames of all) {
        const transcripts = createTranscripts();
        for (const { frame } of frames) transcripts.take(frame);
        const { text, gaps, doubled } = transcripts.tasks.get(id)!;
        expect([text(), gaps, doubled]).toEqual(['The second.', 0, 0]);
        expect(new Set(frames.map(taskOf))).toEqual(new Set([id]));
      }
      const accepted = entriesOf(uncut.frames).filter(({ seq }) => seq === 1);
      expect(accepted.map(({ data }) => data)).toMatchObject([
        { conversation_id },
        { conversation_id, epoch: 2 },
      ]);
      const messages = await rig.messages(conversation_id);
      expect(messages.map(({ task_id }) => task_id)).toEqual([id, id, id, id]);
    },
  );
});
