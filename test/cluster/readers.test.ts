import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENTFUL, EVENTFUL_LOG, saying, scriptEventful, scriptHalves } from '../e2e/feed-runs.ts';
import { entriesOf, openReader, type ReceivedFrame } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import {
  copyOf,
  NOTHING_HELD,
  playFrames,
  rawEntries,
  type Spoken,
} from '../support/reader-promise.ts';
import { within } from '../support/within.ts';
import { clientsOf, openClusterService, type ClusterService } from './cluster-service.ts';

const FIRST = 'Started at one API 🌍, ';
const SECOND = 'read at the other.';
const PIECES = ['Nothing 🪶 ', 'that was ', 'shown ', 'is lost ', 'or said ', 'twice.'];

let service: ClusterService;
beforeAll(async () => {
  service = await openClusterService();
});
afterAll(() => service[Symbol.asyncDispose]());

const feedsOf = (id: string) =>
  service.cluster.apis.map(({ url }) => `${url}/v1/tasks/${id}/events`);

/** Reads one frame from each connection, and goes to the next feed with its id. Tells what text is shown behind each. */
async function readInTurn(
  feeds: readonly string[],
  spoken: Spoken,
  onShown: (text: string) => void = () => {},
): Promise<ReceivedFrame[]> {
  const frames: ReceivedFrame[] = [];
  while (frames.at(-1)?.frame.type !== 'task.completed') {
    const { id: cursor, screen } = playFrames(frames, spoken).at(-1) ?? NOTHING_HELD;
    onShown(screen.text(1));
    const feed = feeds[frames.length % feeds.length] ?? '';
    const reader = await openReader(feed, { cursor, screen: copyOf(screen) });
    frames.push(await reader.until(() => true));
    reader.drop();
  }
  return frames;
}

/** The model says the next piece once the ones before it are shown. */
function scriptPieces() {
  const gates = PIECES.map(() => gate());
  const turn = PIECES.flatMap((say, n) => [{ gate: gates[n]! }, { say }]);
  return {
    ...service.script(turn),
    onShown(text: string) {
      gates.forEach((one, n) => {
        if (text.startsWith(PIECES.slice(0, n).join(''))) one.open();
      });
    },
  };
}

describe('readers of two APIs', () => {
  it('F7 see one text where they move to the other API within it, after every frame', async () => {
    const { model, onShown } = scriptPieces();
    const { id } = await service.client.start({ input: 'Go.', model });
    const frames = await readInTurn(feedsOf(id), saying(PIECES.join('')), onShown);
    const shown = frames.filter(({ frame }) => frame.type === 'turn.delta');
    expect(shown.length).toBeGreaterThanOrEqual(PIECES.length - 1);
    expect(entriesOf(frames).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(entriesOf(frames)[3]).toMatchObject({ data: { text: PIECES.join('') } });
  });

  it('F7 see one log where they do so in a run with tools and failed attempts, live and after its end', async () => {
    const { id } = await service.client.start({ input: 'Go.', ...scriptEventful(service) });
    const feeds = feedsOf(id);
    const [live, uncut] = await Promise.all([
      readInTurn(feeds, EVENTFUL),
      openReader(feeds[0] ?? ''),
    ]);
    await uncut.ended;
    const again = await readInTurn(feeds.toReversed(), EVENTFUL);
    expect(entriesOf(uncut.frames).map(({ type }) => type)).toEqual(EVENTFUL_LOG);
    for (const frames of [live, again]) {
      expect(rawEntries(frames)).toEqual(rawEntries(uncut.frames));
      expect(playFrames(frames, EVENTFUL).at(-1)?.screen).toEqual(uncut.screen);
    }
  });

  it('F2 F3 get the same frames of a run, from its start or late, at either API', async () => {
    const { a, b } = clientsOf(service);
    const half = gate();
    const { model } = scriptHalves(service, half, [FIRST, SECOND]);
    const { id } = await a.start({ input: 'Go.', model });
    const early = await Promise.all(feedsOf(id).map((feed) => openReader(feed)));
    await within(half.reached, () => 'the first half');
    const late = await Promise.all(feedsOf(id).map((feed) => openReader(feed)));
    const readers = [...early, ...late];
    for (const reader of readers) {
      await reader.untilTrue(() => reader.screen.text(1) === FIRST);
      expect(entriesOf(reader.frames).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    }
    half.open();
    for (const reader of readers) {
      await reader.ended;
      playFrames(reader.frames, saying(FIRST + SECOND));
      expect(rawEntries(reader.frames)).toEqual(rawEntries(early[0]?.frames ?? []));
      expect(reader.screen.text(1)).toBe(FIRST + SECOND);
    }
    expect(await b.get(id)).toEqual(await a.get(id));
  });
});
