import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { LogEvent } from '../../contract/events.ts';
import { LOCAL_OWNER } from '../../contract/names.ts';
import type { Task } from '../../contract/wire.ts';
import { createRunClient } from '../../runs/run-client.ts';
import { createStore } from '../../store/create-store.ts';
import type { Database } from '../../store/database.ts';
import { openPgliteMemory } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { createStoreFaults } from '../support/store-faults.ts';
import { newTask } from '../store/fixtures.ts';

const ANSWER = 'Forty-two, as ever.';
const ANSWERS: Turn = [{ say: ANSWER, pieces: 3 }];

interface TaskList {
  data: Task[];
}

describe('a start', () => {
  const faults = createStoreFaults();
  const stalls = new Map<string, Gate>();
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ wrapStore: (store) => stalling(faults.wrap(store), stalls) });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('T11 is 503 while the store is down, and nothing of it runs', async () => {
    const { model, key } = rig.script(ANSWERS);
    const body = { input: 'What is it?', model, metadata: { test: 't11' } };
    faults.refuseAll();
    const { status, headers, body: refusal } = await rig.request('POST', '/v1/tasks', body);
    faults.heal();
    expect([status, refusal.error.code]).toEqual([503, 'store_unavailable']);
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);

    const { id } = await rig.start(body);
    expect(await rig.untilEnd(id)).toMatchObject({ output: { text: ANSWER } });
    const { data } = (await rig.request<TaskList>('GET', '/v1/tasks?metadata.test=t11')).body;
    expect(data.map((task) => task.id)).toEqual([id]);
    expect(rig.model.calls(key)).toBe(1);
  });

  it('T13 is made by the reconciler where its API is stalled, and joined when the API comes to it', async () => {
    const held = gate();
    const { model, key } = rig.script([{ gate: held }, ...ANSWERS]);
    const stall = gate();
    stalls.set(model, stall);
    const posted = rig.start({ input: 'What is it?', model });
    await held.reached;
    stall.open();
    const { id } = await posted;
    held.open();
    await expectOneRun(id, key);
  });

  it('T13 changes nothing where it comes after the end of the run that the reconciler made', async () => {
    const { model, key } = rig.script(ANSWERS);
    const stall = gate();
    stalls.set(model, stall);
    const conversation_id = newId('conv');
    const posted = rig.start({ input: 'What is it?', model, conversation_id });
    await rig.model.closed(key, 1);
    const [task] = (
      await rig.request<TaskList>('GET', `/v1/tasks?conversation_id=${conversation_id}`)
    ).body.data;
    const end = await rig.untilEnd(task?.id ?? '');
    stall.open();
    expect((await posted).id).toBe(end.id);
    expect(await rig.get(end.id)).toEqual(end);
    await expectOneRun(end.id, key);
  });

  it('T13 makes one run of many starts at once', async () => {
    const { model, key } = rig.script(ANSWERS);
    const accepted = await rig.store.acceptTask(newTask({ owner: LOCAL_OWNER, model }));
    if (!accepted) throw new Error('not accepted');
    const { task } = accepted;
    const instances = Array.from({ length: 10 }, () =>
      createRunClient({ ...rig, client: () => rig.client }),
    );
    await Promise.all(instances.map((runs) => runs.start(task)));
    await expectOneRun(task.id, key);
  });

  async function expectOneRun(id: string, key: string): Promise<void> {
    const end = await rig.untilStatus(id, 'COMPLETED');
    expect(end.output).toEqual({ text: ANSWER });
    expect(rig.model.calls(key)).toBe(1);
    const { runId } = await rig.client.workflow.getHandle(id).describe();
    expect(end.workflow.run_id).toBe(runId);
  }
});

/** A store whose `acceptTask` commits, and then leaves its API waiting at the gate of the task's model. */
function stalling(store: Store, gates: ReadonlyMap<string, Gate>): Store {
  return {
    ...store,
    async acceptTask(task, key) {
      const accepted = await store.acceptTask(task, key);
      await gates.get(task.model ?? '')?.pass();
      return accepted;
    },
  };
}

describe('rows of older versions', () => {
  const created_at = '2025-03-01T10:00:00.000Z';
  let database: Database;
  let rig: Rig;
  beforeAll(async () => {
    database = await openPgliteMemory();
    rig = await openRig({ wrapStore: () => createStore(database) });
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  /** A task with the columns that every version has had. */
  async function insertTask(id: string, status: string): Promise<void> {
    await database.query((db) =>
      db.execute(sql`insert into tasks (id, owner, agent, status, input, created_at)
        values (${id}, ${LOCAL_OWNER}, 'default', ${status}, '"What is it?"', ${created_at})`),
    );
  }

  it('T12 reads an ended task without the newer fields, alone, in lists and as a feed', async () => {
    const id = newId('task');
    await insertTask(id, 'COMPLETED');
    const log = [
      { type: 'task.accepted', data: { input: 'What is it?' } },
      { type: 'task.completed', data: { output: { text: ANSWER } } },
    ].map((event, index) => ({ ...event, task_id: id, seq: index + 1, at: created_at }));
    await database.query((db) =>
      db.execute(sql`insert into task_segments (task_id, first_seq, last_seq, bytes, events)
        values (${id}, 1, 2, 400, ${JSON.stringify(log)}::json)`),
    );

    const task = await rig.get(id);
    expect(task).toMatchObject({
      ...{ id, object: 'task', type: 'agent_run', status: 'COMPLETED', progress: 1 },
      ...{ input: 'What is it?', metadata: {}, conversation_id: null, failure: null, epoch: 1 },
      usage: { input_tokens: 0, output_tokens: 0, estimated: false },
      created_at,
    });
    expect(task).not.toHaveProperty('parent');
    const { data } = (await rig.request<TaskList>('GET', '/v1/tasks?status=COMPLETED')).body;
    expect(data).toEqual([task]);
    const reader = await rig.read(id);
    await reader.ended;
    expect(reader.frames.map(({ frame }) => frame)).toEqual(log as unknown as LogEvent[]);
  });

  it('T12 reads a conversation and messages without the newer fields', async () => {
    const id = newId('conv');
    await database.query((db) =>
      db.execute(sql`insert into conversations (id, owner, created_at)
        values (${id}, ${LOCAL_OWNER}, ${created_at})`),
    );
    await database.query((db) =>
      db.execute(sql`insert into messages
          (conversation_id, position, id, task_id, role, ordinal, content, created_at)
        values (${id}, 1, ${newId('conv')}, ${newId('task')}, 'user', 1, '"Hello?"', ${created_at})`),
    );
    const { status, body } = await rig.request('GET', `/v1/conversations/${id}`);
    expect([status, body]).toMatchObject([200, { id, title: null, metadata: {}, created_at }]);
    expect(await rig.messages(id)).toMatchObject([
      { role: 'user', content: 'Hello?', partial: false, created_at },
    ]);
  });

  it('T12 carries out a task that an older version had accepted', async () => {
    const id = newId('task');
    await insertTask(id, 'PENDING');
    const end = await rig.untilEnd(id);
    expect(end).toMatchObject({ status: 'COMPLETED', input: 'What is it?', created_at });
    expect(end.last_seq).toBeGreaterThan(2);
  });
});
