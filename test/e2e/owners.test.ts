import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GroupFeedPage } from '../../api/ports.ts';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { StreamToken, Task } from '../../contract/wire.ts';
import { createStore } from '../../store/create-store.ts';
import type { Database } from '../../store/database.ts';
import { openPgliteMemory } from '../../store/pglite.ts';
import { newId } from '../store/fixtures.ts';
import { openEventSource } from '../support/event-source.ts';
import { entriesOf, openReader } from '../support/feed-reader.ts';
import { gate, type Gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { scriptHalves } from './feed-runs.ts';

const FIRST = 'Only Ada may know this. ';
const SECOND = 'And this as well.';
type Headers = Record<string, string>;

let database: Database;
let rig: Rig;
let ada: Headers;
let bob: Headers;
beforeAll(async () => {
  database = await openPgliteMemory();
  rig = await openRig({ wrapStore: () => createStore(database) });
  ada = (await newKey('ada')).headers;
  bob = (await newKey('bob')).headers;
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function newKey(owner: string) {
  const { key, apiKey } = await rig.store.createKey(owner, ['tasks:read', 'tasks:write']);
  return { key, id: apiKey.id, headers: { Authorization: `Bearer ${key}` } };
}

/** A run of an owner that waits in mid-answer, and its reader. */
async function startHalves(headers: Headers, body: object = {}) {
  const half = gate();
  const { model } = scriptHalves(rig, half, [FIRST, SECOND]);
  return { half, ...(await startAndRead(headers, { model, ...body })) };
}

async function startAndRead(headers: Headers, body: object) {
  const task = await rig.start({ input: 'Go.', ...body }, headers);
  const reader = await rig.read(task.id, { init: { headers } });
  await reader.untilTrue(() => reader.screen.text(1) === FIRST);
  return { task, reader, path: `/v1/tasks/${task.id}` };
}

async function finish({ half, reader }: { half: Gate; reader: { ended: Promise<void> } }) {
  half.open();
  await reader.ended;
}

/** What a request is refused with, without what differs between any two. */
async function refusalOf(headers: Headers, method: string, path: string, body?: object) {
  const answer = await rig.request(method, path, body, headers);
  return { status: answer.status, error: { ...answer.body.error, request_id: '' } };
}

async function tokenOf(path: string, headers: Headers): Promise<string> {
  const answer = await rig.request<StreamToken>('POST', `${path}/stream-token`, {}, headers);
  expect(answer.status).toBe(200);
  return answer.body.token;
}

describe('with another key than its owner’s', () => {
  it('O1 C14 a task cannot be read, followed, cancelled, messaged or forgotten: it is not there', async () => {
    const run = await startHalves(ada);
    const unknown = `/v1/tasks/${newId('task')}`;
    const attempts = (at: string) =>
      [
        ['GET', at],
        ['GET', `${at}/events`],
        ['POST', `${at}/cancel`, { reason: 'not yours' }],
        ['POST', `${at}/messages`, { text: 'not yours' }],
        ['POST', `${at}/messages`, { text: 'not yours', mode: 'after_run' }],
        ['POST', `${at}/approvals/a1`, { approved: true }],
        ['POST', `${at}/stream-token`, {}],
        ['DELETE', at],
      ] as const;
    const absent = attempts(unknown);
    for (const [n, [method, path, body]] of attempts(run.path).entries()) {
      const refusal = await refusalOf(bob, method, path, body);
      expect(refusal).toMatchObject({ status: 404, error: { code: 'task_not_found' } });
      expect(await refusalOf(bob, absent[n]![0], absent[n]![1], absent[n]![2])).toEqual(refusal);
    }
    expect((await rig.store.getTask(run.task.id))?.cancel_request).toBeNull();
    await finish(run);
    expect(run.reader.screen.text(1)).toBe(FIRST + SECOND);
    expect(JSON.stringify(run.reader.frames)).not.toContain('not yours');
  });

  it('O1 a task cannot be named in a start either: nothing begins below it', async () => {
    const run = await startHalves(ada);
    const [refusal, ofAbsent] = await Promise.all(
      [run.task.id, newId('task')].map((task_id) =>
        refusalOf(bob, 'POST', '/v1/tasks', { input: 'Go.', parent: { task_id } }),
      ),
    );
    expect(refusal).toMatchObject({ status: 404, error: { code: 'task_not_found' } });
    expect(refusal).toEqual(ofAbsent);
    await finish(run);
  });

  it('O2 a task is in no list, whatever is filtered by, and nor is its conversation', async () => {
    const conversation_id = newId('conv');
    const run = await startHalves(ada, { conversation_id, name: 'scout', metadata: { team: 'a' } });
    await finish(run);
    const list = async (headers: Headers, path: string) =>
      (await rig.request<{ data: { id: string }[] }>('GET', path, undefined, headers)).body.data;
    for (const query of [
      ...['', '?status=COMPLETED', `?conversation_id=${conversation_id}`, '?name=scout'],
      ...['?metadata.team=a', '?agent=default&order=asc&limit=100'],
    ]) {
      const ids = (await list(ada, `/v1/tasks${query}`)).map(({ id }) => id);
      expect(ids, query).toContain(run.task.id);
      expect(await list(bob, `/v1/tasks${query}`), query).toEqual([]);
    }
    expect(await list(ada, '/v1/conversations')).toMatchObject([{ id: conversation_id }]);
    expect(await list(bob, '/v1/conversations')).toEqual([]);
    for (const path of ['', '/messages']) {
      const refusal = await refusalOf(bob, 'GET', `/v1/conversations/${conversation_id}${path}`);
      expect(refusal).toMatchObject({ status: 404, error: { code: 'conversation_not_found' } });
    }
    const intruding = await refusalOf(bob, 'POST', '/v1/tasks', { input: 'Go.', conversation_id });
    expect(intruding).toMatchObject({ status: 404, error: { code: 'conversation_not_found' } });
  });

  it('O2 O4 a feed of several tasks has nothing of them, whatever the cursor', async () => {
    const conversation_id = newId('conv');
    const run = await startHalves(ada, { conversation_id });
    const own = await startHalves(bob);
    const page = async (headers: Headers, query: string) => {
      const json = { ...headers, Accept: 'application/json' };
      return (await rig.request<GroupFeedPage>('GET', `/v1/events${query}`, undefined, json)).body;
    };
    const begun = await page(ada, '');
    await Promise.all([finish(run), finish(own)]);
    const tasksOf = ({ data }: GroupFeedPage) =>
      new Set((data as LogEvent[]).map(({ task_id }) => task_id));
    expect(tasksOf(await page(ada, `?after=${begun.next}`))).toEqual(new Set([run.task.id]));
    for (const query of ['?after=0', `?after=${begun.next}`]) {
      const foreign = await page(bob, query);
      expect(JSON.stringify(foreign)).not.toContain(run.task.id);
      expect(tasksOf(foreign)).toContain(own.task.id);
    }
    const refusal = await refusalOf(bob, 'GET', `/v1/conversations/${conversation_id}/events`);
    const absent = await refusalOf(bob, 'GET', `/v1/conversations/${newId('conv')}/events`);
    expect(refusal).toMatchObject({ status: 404, error: { code: 'conversation_not_found' } });
    expect(refusal).toEqual(absent);
  });

  it('O4 a cursor gives nothing of the task that it is of', async () => {
    const [run, own] = await Promise.all([startHalves(ada), startHalves(bob)]);
    const cursors = run.reader.frames.map(({ id }) => id);
    for (const cursor of [cursors[0], cursors.at(-1)]) {
      const foreign = await rig.read(run.task.id, { cursor, init: { headers: bob } });
      expect(foreign.status).toBe(404);
      const headers = { ...bob, 'Last-Event-ID': cursor! };
      const mixed = await refusalOf(headers, 'GET', `${own.path}/events`);
      expect(mixed).toMatchObject({ status: 409, error: { code: 'cursor_foreign' } });
      expect(JSON.stringify(mixed)).not.toContain(FIRST.trim());
    }
    await Promise.all([finish(run), finish(own)]);
  });
});

describe('a conversation that is named', () => {
  it('O3 must be the task’s own, for reading and for resuming', async () => {
    const conversation_id = newId('conv');
    const [run, alone] = await Promise.all([
      startHalves(ada, { conversation_id }),
      startHalves(ada),
    ]);
    const cursor = run.reader.frames.find(({ frame }) => frame.type === 'turn.started')?.id;
    const own = `?conversation_id=${conversation_id}`;
    const { body } = await rig.request<Task>('GET', run.path + own, undefined, ada);
    expect(body.id).toBe(run.task.id);
    const resumed = await rig.read(run.task.id, { cursor, query: own, init: { headers: ada } });
    await Promise.all([finish(run), finish(alone)]);
    await resumed.ended;
    expect(resumed.screen.text(1)).toBe(FIRST + SECOND);

    const other = `?conversation_id=${newId('conv')}`;
    const refused = [run.path + other, alone.path + own, alone.path + '?conversation_id='];
    for (const path of refused.flatMap((at) => [at, at.replace('?', '/events?')])) {
      for (const headers of [ada, { ...ada, 'Last-Event-ID': cursor! }]) {
        const refusal = await refusalOf(headers, 'GET', path);
        expect(refusal, path).toMatchObject({ status: 404, error: { code: 'task_not_found' } });
      }
    }
  });
});

describe('a stream token', () => {
  it('O5 lets a stock EventSource read one feed to its end, and opens nothing else', async () => {
    const [run, other] = await Promise.all([startHalves(ada), startHalves(ada)]);
    const token = await tokenOf(run.path, ada);
    const query = `?access_token=${token}`;
    using source = openEventSource(`${rig.url}${run.path}/events${query}`);
    for (const [method, path] of [
      ['GET', `${other.path}/events${query}`],
      ['GET', run.path + query],
      ['GET', `/v1/tasks${query}`],
      ['POST', `${run.path}/cancel${query}`],
    ] as const) {
      const refusal = await refusalOf({}, method, path);
      expect(refusal, path).toMatchObject({ status: 401, error: { code: 'unauthenticated' } });
    }
    const asKey = await refusalOf({ Authorization: `Bearer ${token}` }, 'GET', run.path);
    expect(asKey).toMatchObject({ status: 401 });
    await Promise.all([finish(run), finish(other)]);
    await source.closed;
    expect(entriesOf(source.frames)).toEqual(entriesOf(run.reader.frames));
    expect(entriesOf(source.frames).at(-1)?.type).toBe('task.completed');
  });

  it('O5 expires 15 minutes after the end of the task', async () => {
    const run = await startHalves(ada);
    await finish(run);
    const feed = `${run.path}/events?access_token=${await tokenOf(run.path, ada)}`;
    const endedAgo = (seconds: number) =>
      database.query((db) =>
        db.execute(sql`update tasks set finished_at = now() - ${seconds} * interval '1 second'
          where id = ${run.task.id}`),
      );
    const page = { Accept: 'application/json' };
    await endedAgo(14 * 60);
    expect((await rig.request('GET', feed, undefined, page)).status).toBe(200);
    await endedAgo(15 * 60);
    expect(await refusalOf(page, 'GET', feed)).toMatchObject({ status: 401 });
    expect(await refusalOf({}, 'GET', feed)).toMatchObject({ status: 401 });
    const late = await refusalOf(ada, 'POST', `${run.path}/stream-token`, {});
    expect(late).toMatchObject({
      ...{ status: 409, error: { code: 'task_terminated', details: { status: 'COMPLETED' } } },
    });
  });
});

describe('a key that is revoked', () => {
  it('O5 ends its feeds and those of its tokens between two frames, and opens none again', async () => {
    const { key, id, headers } = await newKey('ada');
    const [half, end] = [gate(), gate()];
    const talk = { say: SECOND.repeat(10), pieces: 50, everyMs: 20 };
    const script = rig.script([
      { say: FIRST },
      { gate: half },
      talk,
      { gate: end },
      { say: SECOND },
    ]);
    const run = await startAndRead(ada, { model: script.model });
    const api = await rig.startApi({ keyTrustMs: 1 });
    const feed = `${api.url}${run.path}/events`;
    const client = createHoldfastClient({ baseUrl: api.url, apiKey: key });
    const { token } = await client.streamToken(run.task.id);
    const readers = await Promise.all([
      openReader(feed, { init: { headers } }),
      openReader(`${feed}?access_token=${token}`),
    ]);
    const bystander = await openReader(feed, { init: { headers: ada } });
    await Promise.all(
      [...readers, bystander].map((one) => one.untilTrue(() => one.screen.text(1) === FIRST)),
    );
    await rig.store.revokeKey(id);
    await expect(client.get(run.task.id)).rejects.toMatchObject({ code: 'unauthenticated' });
    half.open();
    await Promise.all(readers.map(({ ended }) => ended));
    end.open();
    await bystander.ended;
    expect(bystander.screen.text(1)).toBe(FIRST + SECOND.repeat(11));
    for (const { frames } of readers) {
      expect(entriesOf(frames).at(-1)?.type).toBe('turn.started');
    }
    expect((await openReader(feed, { init: { headers } })).status).toBe(401);
    expect((await openReader(`${feed}?access_token=${token}`)).status).toBe(401);
  });
});

describe('the address', () => {
  it('may be any once there are keys, and no other than loopback before', async () => {
    const store = createStore(await openPgliteMemory());
    await using _closed = store;
    await using own = await openRig({ wrapStore: () => store, worker: false });
    await expect(own.startApi({ host: '0.0.0.0' })).rejects.toMatchObject({
      name: 'KeysMissing',
      message: expect.stringContaining('npm run keys') as string,
    });
    const { key } = await store.createKey('ada', ['tasks:read']);
    const { url, keyless } = await own.startApi({ host: '0.0.0.0' });
    expect(keyless).toBe(false);
    const client = createHoldfastClient({ baseUrl: url, apiKey: key });
    expect(await client.list()).toEqual({ data: [], next_cursor: null });
    const stranger = createHoldfastClient({ baseUrl: url });
    await expect(stranger.list()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
  });
});
