import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GroupFeedPage } from '../../api/ports.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { Task } from '../../contract/wire.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { openEventSource } from '../support/event-source.ts';
import { openReader, taskOf, type ReceivedFrame } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { isEntry, playFrames, rawEntries } from '../support/reader-promise.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { EVENTFUL, saying, scriptEventful, scriptHalves } from './feed-runs.ts';

const FIRST = 'Said before 🪢 the cut, ';
const SECOND = 'and said after it.';
const WHOLE = saying(FIRST + SECOND);

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const newConversation = () => `conv_${randomUUID().replaceAll('-', '')}`;
const feedOf = (conversation: string) => `/v1/conversations/${conversation}/events`;
const read = (path: string, cursor?: string, url = rig.url) =>
  openReader(url + path, { cursor, screens: new Map() });

/** A conversation whose task has said the first half, and says the second when the gate opens. */
async function startHalves(conversation = newConversation()) {
  const half = gate();
  const { model } = scriptHalves(rig, half, [FIRST, SECOND]);
  const task = await rig.start({ input: 'Go.', model, conversation_id: conversation });
  await half.reached;
  return { task, half, conversation, path: feedOf(conversation) };
}

async function startEnded(conversation = newConversation()) {
  const { model } = rig.script([{ say: FIRST + SECOND, pieces: 3 }]);
  const task = await rig.start({ input: 'Go.', model, conversation_id: conversation });
  return rig.untilEnd(task.id);
}

const seqsOf = (frames: readonly ReceivedFrame[], { id }: Task) =>
  frames.flatMap(({ frame }) => (isEntry(frame) && frame.task_id === id ? [frame.seq] : []));
const hasEnd = (frames: readonly ReceivedFrame[], { id }: Task) =>
  frames.some(({ frame }) => frame.type === 'task.completed' && frame.task_id === id);

async function readPage(path: string, query: Record<string, string> = {}) {
  const address = `${path}?${new URLSearchParams(query)}`;
  const { status, body } = await rig.request<GroupFeedPage>('GET', address, undefined, {
    Accept: 'application/json',
  });
  expect(status).toBe(200);
  return body as { data: LogEvent[]; next: string };
}

describe('the cursor of a conversation', () => {
  it('is 409 at another feed, as every other feed’s is at this one, and 400 where it is none', async () => {
    const ended = await startEnded();
    const [path, other] = [feedOf(ended.conversation_id ?? ''), feedOf(newConversation())];
    await startEnded(other.split('/')[3]);
    const cursors = async (feed: string) => (await readPage(feed, { after: '0' })).next;
    const [own, foreign, all] = [
      await cursors(path),
      await cursors(other),
      await cursors('/v1/events'),
    ];
    const refusals: [string, string, [number, string]][] = [
      [path, `${ended.id}:3`, [409, 'cursor_foreign']],
      [path, foreign, [409, 'cursor_foreign']],
      [path, all, [409, 'cursor_foreign']],
      ['/v1/events', own, [409, 'cursor_foreign']],
      ['/v1/events', `${ended.id}:3`, [409, 'cursor_foreign']],
      [`/v1/tasks/${ended.id}/events`, own, [409, 'cursor_foreign']],
      [`/v1/tasks/${ended.id}/events`, all, [409, 'cursor_foreign']],
      [path, `${own}!`, [400, 'cursor_invalid']],
      [path, '3', [400, 'cursor_invalid']],
      [
        path,
        `${ended.conversation_id}:${btoa('999999999')}`.replaceAll('=', ''),
        [409, 'cursor_ahead'],
      ],
    ];
    for (const [feed, cursor, refusal] of refusals) {
      for (const Accept of ['text/event-stream', 'application/json']) {
        const headers = { Accept, 'Last-Event-ID': cursor };
        const { status, body } = await rig.request('GET', feed, undefined, headers);
        expect([feed, cursor, status, body.error.code]).toEqual([feed, cursor, ...refusal]);
      }
    }
  });

  it('goes on where a task was forgotten that it knows', async () => {
    const { task, half, conversation, path } = await startHalves();
    const reader = await read(path);
    await reader.untilTrue(() => reader.screens.get(task.id)?.text(1) === FIRST);
    reader.drop();
    half.open();
    await rig.untilEnd(task.id);
    expect((await rig.request('DELETE', `/v1/tasks/${task.id}`)).status).toBe(204);
    const next = await startEnded(conversation);
    const back = await read(path, reader.frames.at(-1)?.id);
    await back.untilTrue(() => hasEnd(back.frames, next));
    back.drop();
    expect(back.frames.map(taskOf)).toEqual(back.frames.map(() => next.id));
    expect(seqsOf(back.frames, next)).toEqual([1, 2, 3, 4, 5]);
  });

  it('F13 is answered without a worker, and the feed goes on when one is back', async () => {
    await using alone = await openRig({ worker: false });
    const conversation = newConversation();
    const { model } = alone.script([{ say: FIRST + SECOND, pieces: 3 }]);
    const task = await alone.start({ input: 'Go.', model, conversation_id: conversation });
    const reader = await read(feedOf(conversation), undefined, alone.url);
    const { id } = await reader.until(({ frame }) => frame.type === 'task.accepted');
    const back = await read(feedOf(conversation), id, alone.url);
    await alone.startWorker();
    for (const one of [reader, back]) {
      await one.untilTrue(() => hasEnd(one.frames, task));
      one.drop();
    }
    expect(rawEntries(back.frames)).toEqual(rawEntries(reader.frames).slice(1));
  });
});

describe('a stream of a conversation', () => {
  it('that has lived for its time ends cleanly, and goes on exactly', async () => {
    const { task, half, path } = await startHalves();
    const { url } = await rig.startApi({ streamMaxMs: 300 });
    const reader = await read(path, undefined, url);
    await reader.ended;
    half.open();
    const { frames, screens } = reader;
    const again = await openReader(rig.url + path, { cursor: frames.at(-1)?.id, screens });
    await again.untilTrue(() => hasEnd(again.frames, task));
    again.drop();
    playFrames([...frames, ...again.frames], WHOLE);
    expect(screens.get(task.id)?.text(1)).toBe(FIRST + SECOND);
  });

  it('moves to another API where its own shuts down', async () => {
    const { task, half, path } = await startHalves();
    const leaving = await rig.startApi();
    const reader = await read(path, undefined, leaving.url);
    await reader.untilTrue(() => reader.screens.get(task.id)?.text(1) === FIRST);
    await leaving[Symbol.asyncDispose]();
    await reader.ended;
    half.open();
    const { frames, screens } = reader;
    const moved = await openReader(rig.url + path, { cursor: frames.at(-1)?.id, screens });
    await moved.untilTrue(() => hasEnd(moved.frames, task));
    moved.drop();
    playFrames([...frames, ...moved.frames], WHOLE);
  });

  it('is one of those that may be open, and gives its place back', async () => {
    const { half, path, task } = await startHalves();
    const { url } = await rig.startApi({ maxStreams: 1 });
    const first = await read(path, undefined, url);
    const refused = await fetch(`${url}/v1/tasks/${task.id}/events`);
    expect([refused.status, await refused.text()]).toEqual([
      200,
      expect.stringMatching(/^retry: \d{4}\n\n$/),
    ]);
    first.drop();
    await first.ended;
    half.open();
    await eventually(async () => {
      const reader = await read(path, undefined, url);
      await Promise.race([reader.ended, reader.until(() => true).catch(() => undefined)]);
      reader.drop();
      return reader.frames.length > 0;
    }, 'a place to be free');
  });
});

describe('a page of a conversation as JSON', () => {
  it('holds at most `limit` entries of its tasks, and where the next one begins', async () => {
    const conversation = newConversation();
    const tasks = [await startEnded(conversation), await startEnded(conversation)];
    const read: LogEvent[] = [];
    for (let after = '0', more = true; more;) {
      const page = await readPage(feedOf(conversation), { after, limit: '3' });
      read.push(...page.data);
      more = page.data.length > 0;
      after = page.next;
    }
    const expected = tasks.flatMap(({ id }) => [1, 2, 3, 4, 5].map((seq) => [id, seq]));
    expect(read.map(({ task_id, seq }) => [task_id, seq])).toEqual(expected);
  });

  it('waits up to `wait_ms` for an entry, also of a task that is still to come', async () => {
    const conversation = newConversation();
    const first = await startEnded(conversation);
    const { next: after } = await readPage(feedOf(conversation));
    const idle = await readPage(feedOf(conversation), { after, wait_ms: '50' });
    expect(idle).toEqual({ data: [], next: after });
    const waiting = readPage(feedOf(conversation), { after, wait_ms: '30000' });
    const second = await startEnded(conversation);
    const { data } = await waiting;
    expect(data[0]).toMatchObject({ type: 'task.accepted', task_id: second.id });
    expect(data.some(({ task_id }) => task_id === first.id)).toBe(false);
  });
});

describe('the feed of all tasks', () => {
  const framesOf = (frames: readonly ReceivedFrame[], { id }: Task) =>
    frames.filter((frame) => taskOf(frame) === id);

  it('begins now: with the tasks at work, each from its first entry, and those to come', async () => {
    const ended = await startEnded();
    const { task: open, half } = await startHalves();
    const reader = await read('/v1/events');
    await reader.untilTrue(() => seqsOf(reader.frames, open).length === 3);
    const [first] = reader.frames;
    expect(first?.frame).toEqual({ type: 'feed.opened' });
    const next = await startEnded();
    half.open();
    await reader.untilTrue(() => hasEnd(reader.frames, open) && hasEnd(reader.frames, next));
    reader.drop();
    expect(framesOf(reader.frames, ended)).toEqual([]);
    for (const task of [open, next]) {
      expect(seqsOf(reader.frames, task)).toEqual([1, 2, 3, 4, 5]);
    }
    const again = await read('/v1/events', first?.id);
    await again.untilTrue(() => hasEnd(again.frames, open) && hasEnd(again.frames, next));
    again.drop();
    for (const task of [open, next]) {
      const [twice, once] = [again, reader].map(({ frames }) => rawEntries(framesOf(frames, task)));
      expect(twice).toEqual(once);
    }
    expect(reader.frames.slice(1).every(({ frame }) => isEntry(frame))).toBe(true);
  });

  it('begins with the first task of all where it is asked to', async () => {
    const ended = await startEnded();
    const reader = await read('/v1/events?after=0');
    await reader.untilTrue(() => hasEnd(reader.frames, ended));
    reader.drop();
    expect(seqsOf(reader.frames, ended)).toEqual([1, 2, 3, 4, 5]);
  });

  it('F7 holds for a stock EventSource that is cut after every frame, of several tasks at work', async () => {
    await using proxy = await startCuttingProxy({ target: rig.url, framesPerConnection: 1 });
    using source = openEventSource(`${proxy.url}v1/events`);
    source.closed.catch(() => undefined);
    await eventually(() => source.frames.length > 0, 'the feed to begin');
    const tasks = await Promise.all(
      [1, 2, 3].map(() => rig.start({ input: 'Go.', ...scriptEventful(rig) })),
    );
    await eventually(
      () => tasks.every((task) => hasEnd(source.frames, task)),
      'the source to have everything',
    );
    for (const task of tasks) {
      const uncut = await rig.read(task.id);
      await uncut.ended;
      expect(rawEntries(framesOf(source.frames, task))).toEqual(rawEntries(uncut.frames));
      playFrames(framesOf(source.frames, task), EVENTFUL);
    }
  });
});
