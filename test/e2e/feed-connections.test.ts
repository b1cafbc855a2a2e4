import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeedPage } from '../../api/ports.ts';
import { entriesOf, openReader } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { playFrames, rawEntries } from '../support/reader-promise.ts';
import { createTestRelay } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { EVENTFUL, saying, scriptEventful, scriptHalves } from './feed-runs.ts';

const FIRST = 'It ends between two frames 🧵, ';
const SECOND = 'and goes on elsewhere.';
const WHOLE = saying(FIRST + SECOND);

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A run that has said the first half, and says the second when the gate opens. */
async function startHalves() {
  const half = gate();
  const { model } = scriptHalves(rig, half, [FIRST, SECOND]);
  const task = await rig.start({ input: 'Go.', model });
  return { task, half, path: `/v1/tasks/${task.id}/events` };
}

async function readPage(path: string, query: Record<string, string>): Promise<FeedPage> {
  const address = `${path}?${new URLSearchParams(query)}`;
  const { status, body } = await rig.request<FeedPage>('GET', address, undefined, {
    Accept: 'application/json',
  });
  expect(status).toBe(200);
  return body;
}

describe('a page of the feed as JSON', () => {
  it('holds at most `limit` entries and the cursor of the next one', async () => {
    const task = await rig.start({ input: 'Go.', ...scriptEventful(rig) });
    const path = `/v1/tasks/${task.id}/events`;
    const reader = await rig.read(task.id);
    await reader.ended;
    const read: unknown[] = [];
    for (let after = '0', terminal = false; !terminal;) {
      const page = await readPage(path, { after, limit: '4' });
      expect(page).toMatchObject({ last_seq: 10, terminal: page.data.length < 4 });
      read.push(...page.data);
      ({ next: after, terminal } = page);
    }
    expect(read).toEqual(entriesOf(reader.frames));
  });

  it('waits up to `wait_ms` for an entry, and no longer', async () => {
    const { task, half, path } = await startHalves();
    await half.reached;
    const after = `${task.id}:3`;
    expect(await readPage(path, { after, wait_ms: '50' })).toEqual({
      data: [],
      next: after,
      last_seq: 3,
      terminal: false,
    });
    const waiting = readPage(path, { after, wait_ms: '30000' });
    half.open();
    const { data } = await waiting;
    expect(data[0]).toMatchObject({ seq: 4, type: 'turn.final_answer' });
  });
});

describe('several API processes', () => {
  it('give the same log, whatever each hears of the relay', async () => {
    const others = await Promise.all(
      (['silent', 'hostile'] as const).map((mood) =>
        rig.startApi({ relay: createTestRelay(mood) }),
      ),
    );
    const task = await rig.start({ input: 'Go.', ...scriptEventful(rig) });
    const feeds = [rig, ...others].map(({ url }) => `${url}/v1/tasks/${task.id}/events`);
    const readers = await Promise.all(feeds.map((feed) => openReader(feed)));
    for (const reader of readers) {
      await reader.ended;
      playFrames(reader.frames, EVENTFUL);
      expect(rawEntries(reader.frames)).toEqual(rawEntries(readers[0]?.frames ?? []));
      expect(reader.screen).toEqual(readers[0]?.screen);
    }
  });

  it('hand a reader on when one shuts down: its stream ends cleanly and goes on at another', async () => {
    const { task, half, path } = await startHalves();
    const leaving = await rig.startApi();
    const reader = await openReader(leaving.url + path);
    await reader.untilTrue(() => reader.screen.text(1) === FIRST);
    await leaving[Symbol.asyncDispose]();
    await reader.ended;
    half.open();
    const { frames, screen } = reader;
    const moved = await rig.read(task.id, { cursor: frames.at(-1)?.id, screen });
    await moved.ended;
    const all = [...frames, ...moved.frames];
    playFrames(all, WHOLE);
    expect(entriesOf(all).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(screen.text(1)).toBe(FIRST + SECOND);
  });
});

describe('a stream', () => {
  it('that has lived for its time ends cleanly, and goes on exactly', async () => {
    const { task, half, path } = await startHalves();
    const { url } = await rig.startApi({ streamMaxMs: 300 });
    const reader = await openReader(url + path);
    await reader.ended;
    half.open();
    const { frames, screen } = reader;
    const again = await rig.read(task.id, { cursor: frames.at(-1)?.id, screen });
    await again.ended;
    playFrames([...frames, ...again.frames], WHOLE);
    expect(screen.text(1)).toBe(FIRST + SECOND);
  });

  it('too many is told to come back, and comes in when another has gone', async () => {
    const { half, path } = await startHalves();
    const { url } = await rig.startApi({ maxStreams: 1 });
    const first = await openReader(url + path);
    const refused = await fetch(url + path);
    expect(refused.status).toBe(200);
    expect(await refused.text()).toMatch(/^retry: \d{4}\n\n$/);
    first.drop();
    await first.ended;
    const second = await eventually(async () => {
      const reader = await openReader(url + path);
      // One that was refused has no frame when it ends.
      await Promise.race([reader.ended, reader.until(() => true).catch(() => undefined)]);
      return reader.frames.length > 0 && reader;
    }, 'a place to be free');
    half.open();
    await second.ended;
    expect(second.screen.text(1)).toBe(FIRST + SECOND);
  });

  it('whose reader does not read holds up neither the run nor other readers', async () => {
    const { task, half, path } = await startHalves();
    const { hostname, port } = new URL(rig.url);
    const stuck = connect(Number(port), hostname).pause();
    await once(stuck, 'connect');
    stuck.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    const reader = await rig.read(task.id);
    await reader.untilTrue(() => reader.screen.text(1) === FIRST);
    half.open();
    await reader.ended;
    expect(reader.screen.text(1)).toBe(FIRST + SECOND);
    stuck.destroy();
  });
});
