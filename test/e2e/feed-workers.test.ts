import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entriesOf, openReader, Screen, type FeedReader } from '../support/feed-reader.ts';
import { playFrames, rawEntries } from '../support/reader-promise.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { text } from './feed-runs.ts';

const LOST = 'A worker goes, ';
const ANSWER = 'and another one goes on.';
const SPOKEN = new Map([
  ['1.1', [text(LOST)]],
  ['1.2', [text(ANSWER)]],
]);

function typesOf({ frames }: FeedReader): string[] {
  return frames.map(({ frame }) => frame.type);
}

describe.each(RELAY_MOODS)('with a %s relay', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    // A worker that stops lets its model calls go on for so long, and answers no query meanwhile.
    rig = await openRig({ relay, worker: false, shutdownGraceMs: 3_000 });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('F12 gives task.accepted at once, and the run when a worker comes', async () => {
    const { model } = rig.script([{ say: ANSWER }]);
    const task = await rig.start({ input: 'Go.', model });
    const reader = await rig.read(task.id);
    await reader.until(({ frame }) => frame.type === 'task.accepted');
    expect(typesOf(reader)).toEqual(['task.accepted']);
    expect((await rig.get(task.id)).status).toBe('PENDING');
    await rig.startWorker();
    await reader.ended;
    expect(entriesOf(reader.frames).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(reader.screen.text(1)).toBe(ANSWER);
    await rig.stopWorkers();
  });

  it('F13 opens without a worker, tells what store and heartbeat know, and goes on with one', async () => {
    await rig.startWorker();
    const { model } = rig.script([{ say: LOST }, { stall: true }], [{ say: ANSWER, pieces: 3 }]);
    const task = await rig.start({ input: 'Go.', model });
    const stayed = await rig.read(task.id);
    await stayed.untilTrue(() => stayed.screen.text(1) === LOST);
    await eventually(() => isHeartbeaten(rig, task.id, LOST), 'the heartbeat to carry the text');

    const stopped = rig.stopWorkers();
    const { url } = await rig.startApi();
    const feed = `${url}/v1/tasks/${task.id}/events`;
    const fresh = await openReader(feed);
    await fresh.until(({ frame }) => frame.type === 'task.accepted');
    const screen = new Screen();
    screen.steps.set(1, { attempt: 1, blocks: [text(LOST.slice(0, 4))] });
    // Nobody can tell that the second cursor is ahead of the log, until a worker is back.
    const [back, ahead] = await Promise.all([
      openReader(feed, { cursor: `${task.id}:3.1.4`, screen }),
      openReader(feed, { cursor: `${task.id}:9` }),
    ]);
    await back.untilTrue(() => screen.text(1) === LOST);
    expect([typesOf(fresh), typesOf(back)]).toEqual([['task.accepted'], ['turn.delta']]);
    await stopped;
    expect((await rig.get(task.id)).status).toBe('RUNNING');

    await rig.startWorker();
    const readers = [stayed, fresh, back];
    for (const reader of [...readers, ahead]) await reader.ended;
    expect([ahead.status, ahead.frames]).toEqual([200, []]);
    for (const reader of [stayed, fresh]) playFrames(reader.frames, SPOKEN);
    for (const reader of readers) expect(reader.screen.text(1)).toBe(ANSWER);
    expect(rawEntries(fresh.frames)).toEqual(rawEntries(stayed.frames));
    expect(rawEntries(back.frames)).toEqual(rawEntries(stayed.frames).slice(3));
    expect(entriesOf(stayed.frames).map(({ type }) => type)).toEqual([
      'task.accepted',
      'task.started',
      'turn.started',
      'turn.attempt_failed',
      'turn.final_answer',
      'task.completed',
    ]);
  });
});

/** Whether a reader who knows nothing but Temporal's server could read the text. */
async function isHeartbeaten({ client }: Rig, id: string, words: string): Promise<boolean> {
  const { raw } = await client.workflow.getHandle(id).describe();
  const payloads = raw.pendingActivities?.flatMap((one) => one.heartbeatDetails?.payloads ?? []);
  return !!payloads?.some(({ data }) => Buffer.from(data ?? []).includes(words));
}
