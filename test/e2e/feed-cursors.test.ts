import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../contract/events.ts';
import type { DeltaFrame } from '../../contract/frames.ts';
import type { FeedPage } from '../../api/ports.ts';
import { entriesOf, openReader, Screen, type FeedReader } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { isEntry, playFrames, rawEntries } from '../support/reader-promise.ts';
import { createTestRelay, RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { saying, scriptEventful, scriptHalves, text } from './feed-runs.ts';

const FIRST = 'Nothing that was shown 🪶 ';
const SECOND = 'is lost or said twice.';
const WHOLE = saying(FIRST + SECOND);

function seqsOf({ frames }: FeedReader): number[] {
  return entriesOf(frames).map(({ seq }) => seq);
}

function deltasOf({ frames }: FeedReader): DeltaFrame[] {
  return frames.flatMap(({ frame }) => (frame.type === 'turn.delta' ? [frame] : []));
}

/** A screen that shows the first `length` units of the first step's text. */
function shows(words: string, length: number): Screen {
  const screen = new Screen();
  screen.steps.set(1, { attempt: 1, blocks: [text(words.slice(0, length))] });
  return screen;
}

describe.each(RELAY_MOODS)('with a %s relay', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** A run that has said the first half, and says the second when the gate opens. */
  async function inMidStep() {
    const half = gate();
    const { model } = scriptHalves(rig, half, [FIRST, SECOND]);
    const task = await rig.start({ input: 'Go.', model });
    const reader = await rig.read(task.id);
    await reader.untilTrue(() => reader.screen.text(1) === FIRST);
    return { task, half, reader, cursor: (place: string) => `${task.id}:${place}` };
  }

  async function ended() {
    const { model } = rig.script([{ say: FIRST + SECOND, pieces: 4 }]);
    const task = await rig.start({ input: 'Go.', model });
    await rig.untilEnd(task.id);
    return { task, cursor: (place: string) => `${task.id}:${place}` };
  }

  /** The same refusal, asked for as SSE and as JSON. */
  async function expectRefusal(id: string, cursor: string, [status, code]: [number, string]) {
    const path = `/v1/tasks/${id}/events`;
    for (const Accept of ['text/event-stream', 'application/json']) {
      const answer = await rig.request('GET', path, undefined, { Accept, 'Last-Event-ID': cursor });
      expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    }
  }

  it.concurrent.each([undefined, '', '0'])(
    'F8.1 gives everything from seq 1 without a cursor: %j',
    async (cursor) => {
      const { task, half } = await inMidStep();
      const reader = await rig.read(task.id, { cursor });
      await reader.untilTrue(() => reader.screen.text(1) === FIRST);
      half.open();
      await reader.ended;
      expect(seqsOf(reader)).toEqual([1, 2, 3, 4, 5]);
      playFrames(reader.frames, WHOLE);
    },
  );

  it.concurrent('F8.2 gives what follows a cursor in range, then what comes', async () => {
    const { task, half, reader, cursor } = await inMidStep();
    const readers = await Promise.all(
      [1, 2, 3].map((seq) => rig.read(task.id, { cursor: cursor(`${seq}`) })),
    );
    half.open();
    for (const [index, one] of readers.entries()) {
      await Promise.all([one.ended, reader.ended]);
      expect(rawEntries(one.frames)).toEqual(rawEntries(reader.frames).slice(index + 1));
      expect(one.screen.text(1)).toBe(FIRST + SECOND);
    }
  });

  it.concurrent.each([0, 1, 7, FIRST.length])(
    'F8.3 gives the rest of the text from the middle of the current step: offset %i',
    async (offset) => {
      const { task, half, cursor } = await inMidStep();
      const screen = shows(FIRST, offset);
      const reader = await rig.read(task.id, { cursor: cursor(`3.1.${offset}`), screen });
      await reader.untilTrue(() => screen.text(1) === FIRST);
      half.open();
      await reader.ended;
      expect(seqsOf(reader)).toEqual([4, 5]);
      const said = deltasOf(reader);
      expect(said[0]?.offset).toBe(offset);
      expect(said.map((delta) => delta.text).join('')).toBe((FIRST + SECOND).slice(offset));
    },
  );

  it.concurrent(
    'F8.4 gives a reset, then the newer attempt from its start, where the attempt was replaced',
    async () => {
      const half = gate();
      const { model } = rig.script(
        [{ say: 'A lost try' }, { cut: true }],
        [{ say: FIRST, pieces: 3 }, { gate: half }, { say: SECOND }],
      );
      const task = await rig.start({ input: 'Go.', model });
      await half.reached;
      const screen = shows('A lost try', 5);
      const reader = await rig.read(task.id, { cursor: `${task.id}:3.1.5`, screen });
      await reader.untilTrue(() => screen.text(1) === FIRST);
      const types = reader.frames.slice(0, 3).map(({ frame }) => frame.type);
      expect(types).toEqual(['turn.attempt_failed', 'turn.reset', 'turn.delta']);
      expect(deltasOf(reader)[0]).toMatchObject({ attempt: 2, offset: 0 });
      half.open();
      await reader.ended;
      expect(screen.text(1)).toBe(FIRST + SECOND);
    },
  );

  it.concurrent(
    'F8.5 gives the entries alone from the middle of a step that is complete',
    async () => {
      const halfWay = gate();
      const task = await rig.start({ input: 'Go.', ...scriptEventful(rig, { halfWay }) });
      await halfWay.reached;
      const open = await rig.read(task.id, { cursor: `${task.id}:3.1.4` });
      await open.until(({ frame }) => frame.type === 'turn.reset');
      halfWay.open();
      await open.ended;
      const closed = await rig.read(task.id, { cursor: `${task.id}:3.1.4` });
      await closed.ended;
      expect(seqsOf(closed)).toEqual([4, 5, 6, 7, 8, 9, 10]);
      expect(closed.frames.every(({ frame }) => isEntry(frame))).toBe(true);
      expect(rawEntries(open.frames)).toEqual(rawEntries(closed.frames));
      expect(deltasOf(open).every(({ step }) => step === 2)).toBe(true);
      expect(open.screen).toEqual(closed.screen);
    },
  );

  it.concurrent(
    'F8.6 waits at an offset that was not seen yet, then goes on there without a gap',
    async () => {
      const { task, half, cursor } = await inMidStep();
      const offset = FIRST.length + 4;
      const screen = shows(FIRST + SECOND, offset);
      const reader = await rig.read(task.id, { cursor: cursor(`3.1.${offset}`), screen });
      expect(reader.status).toBe(200);
      half.open();
      await reader.ended;
      expect(deltasOf(reader)[0]?.offset).toBe(offset);
      expect(seqsOf(reader)).toEqual([4, 5]);
      expect(screen.text(1)).toBe(FIRST + SECOND);
      expect(reader.frames.some(({ frame }) => frame.type === 'turn.reset')).toBe(false);
    },
  );

  it.concurrent(
    'F8.6 goes on at a server that is behind, which hears of the run only by its heartbeats',
    async () => {
      const { task, half, reader } = await inMidStep();
      const behind = await rig.startApi({ relay: createTestRelay('silent') });
      const second = `${behind.url}/v1/tasks/${task.id}/events`;
      const screen = shows(FIRST, FIRST.length);
      const moved = await openReader(second, { cursor: reader.frames.at(-1)?.id, screen });
      half.open();
      await Promise.all([moved.ended, reader.ended]);
      expect(rawEntries(moved.frames)).toEqual(rawEntries(reader.frames).slice(3));
      expect(moved.frames.some(({ frame }) => frame.type === 'turn.reset')).toBe(false);
      expect(screen).toEqual(reader.screen);
    },
  );

  it.concurrent(
    'F8.6 gives a reset or the entry where the attempt ends before the offset',
    async () => {
      const offset = FIRST.length + SECOND.length + 9;
      const { task, half, cursor } = await inMidStep();
      const screen = shows(`${FIRST}${SECOND}and more`, offset);
      const reader = await rig.read(task.id, { cursor: cursor(`3.1.${offset}`), screen });
      half.open();
      await reader.ended;
      expect(seqsOf(reader)).toEqual([4, 5]);
      expect(screen.text(1)).toBe(FIRST + SECOND);
    },
  );

  it.concurrent(
    'F8.7 answers 409 to a cursor ahead of the log, of an open and of an ended task',
    async () => {
      const { task, half, cursor } = await inMidStep();
      await expectRefusal(task.id, cursor('4'), [409, 'cursor_ahead']);
      await expectRefusal(task.id, cursor('9.1.3'), [409, 'cursor_ahead']);
      half.open();
      await rig.untilEnd(task.id);
      await expectRefusal(task.id, cursor('6'), [409, 'cursor_ahead']);
    },
  );

  it.concurrent(
    'F8.8 answers 409 to a cursor of another task, another epoch or a conversation',
    async () => {
      const [{ task }, other] = await Promise.all([ended(), ended()]);
      const foreign = [
        other.cursor('2'),
        other.cursor('3.1.2'),
        `${task.id}.e2:2`,
        'conv_1:eyJhIjoxfQ',
      ];
      for (const cursor of foreign) await expectRefusal(task.id, cursor, [409, 'cursor_foreign']);
    },
  );

  it.concurrent('F8.9 answers 400 to a malformed cursor', async () => {
    const { task, cursor } = await ended();
    for (const malformed of ['x', '-1', '1.2', cursor(''), cursor('03'), cursor('3.0.1')]) {
      await expectRefusal(task.id, malformed, [400, 'cursor_invalid']);
    }
  });

  it.concurrent(
    'F8.10 answers 204 at the terminal event, and as JSON an empty page that says so',
    async () => {
      const { task, cursor } = await ended();
      const reader = await rig.read(task.id, { cursor: cursor('5') });
      expect([reader.status, reader.frames]).toEqual([204, []]);
      expect(await readPage(rig.url, task.id, cursor('5'))).toEqual({
        data: [],
        next: cursor('5'),
        last_seq: 5,
        terminal: true,
      });
    },
  );

  it.concurrent(
    'F8.11 answers 404 with one body to a task purged, unknown or of another owner',
    async () => {
      const purged = await ended();
      expect((await rig.request('DELETE', `/v1/tasks/${purged.task.id}`)).status).toBe(204);
      const unknown = `task_${randomUUID().replaceAll('-', '')}`;
      const foreign = await acceptForeign(rig);
      const errors = new Set<string>();
      for (const id of [purged.task.id, unknown, foreign]) {
        await expectRefusal(id, '', [404, 'task_not_found']);
        await expectRefusal(id, `${id}:2`, [404, 'task_not_found']);
        const { body } = await rig.request('GET', `/v1/tasks/${id}/events`);
        errors.add(JSON.stringify({ ...body.error, request_id: '' }));
      }
      expect(errors.size).toBe(1);
    },
  );

  it.concurrent(
    'F10 gives the same entries while the run is open, when it is over, and when Temporal has forgotten it',
    async () => {
      const halfWay = gate();
      const task = await rig.start({ input: 'Go.', ...scriptEventful(rig, { halfWay }) });
      await halfWay.reached;
      const places = ['0', '1', '2', '3', '3.1.4', '4', '5', '6', '7'];
      const read = async (url: string) => {
        const pages = places.map((place) => readPage(url, task.id, `${task.id}:${place}`));
        return (await Promise.all(pages)).map(({ data }) => data as LogEvent[]);
      };
      const open = await read(rig.url);
      halfWay.open();
      await rig.untilEnd(task.id);
      const closed = await read(rig.url);
      await forget(rig, task.id);
      const { url } = await rig.startApi();
      expect(await read(url)).toEqual(closed);
      expect(closed[0]?.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      for (const [index, entries] of open.entries()) {
        expect(entries).toEqual(closed[index]?.slice(0, -2));
      }
    },
  );
});

async function readPage(url: string, id: string, after: string): Promise<FeedPage> {
  const query = new URLSearchParams({ after });
  const headers = { Accept: 'application/json' };
  const response = await fetch(`${url}/v1/tasks/${id}/events?${query}`, { headers });
  expect(response.status).toBe(200);
  return (await response.json()) as FeedPage;
}

/** Temporal's retention, at once. */
async function forget({ client }: Rig, workflowId: string): Promise<void> {
  await eventually(
    () =>
      client.workflow
        .getHandle(workflowId)
        .describe()
        .then(({ closeTime }) => closeTime),
    'the workflow to close',
  );
  const workflowExecution = { workflowId };
  await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
  const isGone = () =>
    client.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        () => false,
        (error: unknown) => error instanceof WorkflowNotFoundError,
      );
  await eventually(isGone, 'the workflow to be forgotten');
}

/** Another owner's task, ended so that nobody carries it out. */
async function acceptForeign({ store }: Rig): Promise<string> {
  const id = `task_${randomUUID().replaceAll('-', '')}`;
  const owner = 'another';
  await store.acceptTask({
    id,
    owner,
    type: 'agent_run',
    agent: 'default',
    model: null,
    instructions: null,
    name: null,
    description: null,
    input: 'Go.',
    conversation_id: null,
    parent: null,
    metadata: {},
    limits: { timeout_seconds: null, max_steps: null },
  });
  await store.requestCancel(id, owner, { at: new Date().toISOString(), by: null, reason: null });
  return id;
}
