import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Task } from '../../contract/wire.ts';
import { createRunClient } from '../../runs/run-client.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';

const ANSWER = 'Forty-two, as ever.';
const ANSWERS: Turn = [{ say: ANSWER, pieces: 3 }];
const REFUSAL = 'the moon is in the wrong phase';
const REFUSES: Turn = [{ status: 400, body: { error: { message: REFUSAL } } }];

interface TaskList {
  data: Task[];
  next_cursor: string | null;
}

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

async function list(query: string): Promise<TaskList> {
  const { status, body } = await rig.request<TaskList>('GET', `/v1/tasks?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

const idsOf = ({ data }: TaskList) => data.map(({ id }) => id);

describe('the record of one task', () => {
  it('T1 T2 exists at once, is RUNNING while the run works, and COMPLETED with its output after it', async () => {
    const held = gate();
    const { model } = rig.script([{ gate: held }, ...ANSWERS]);
    const conversation_id = newId('conv');
    const metadata = { ticket: '17' };
    const task = await rig.start({ input: 'What is it?', model, conversation_id, metadata });
    const given = { input: 'What is it?', agent: 'default', conversation_id, metadata };
    expect(['PENDING', 'RUNNING']).toContain(task.status);
    expect(task).toMatchObject({ ...given, output: null, finished_at: null });
    expect(['PENDING', 'RUNNING']).toContain((await rig.get(task.id)).status);

    await held.reached;
    const running = await rig.get(task.id);
    expect(running).toMatchObject({ ...given, status: 'RUNNING', output: null, finished_at: null });
    held.open();

    const end = await rig.untilEnd(task.id);
    expect(end).toMatchObject({
      ...given,
      status: 'COMPLETED',
      output: { text: ANSWER },
      progress: 1,
      failure: null,
      created_at: task.created_at,
      finished_at: expect.stringMatching(/^\d{4}-.+Z$/),
    });
  });

  it("T3 is FAILED after a failure, with its code and the cause's own text", async () => {
    const { model } = rig.script(REFUSES);
    const { id } = await rig.start({ input: 'What is it?', model });
    expect(await rig.untilEnd(id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'model_error', message: expect.stringContaining(REFUSAL) },
      output: null,
      partial_output: null,
    });
  });

  it('T5 is found by its conversation, and by no other', async () => {
    const { model } = rig.script(ANSWERS);
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'What is it?', model, conversation_id });
    const found = await list(`conversation_id=${conversation_id}`);
    expect(idsOf(found)).toEqual([id]);
    expect(found.data[0]).toMatchObject({ conversation_id });
    expect(idsOf(await list(`conversation_id=${newId('conv')}`))).toEqual([]);
    await rig.untilStatus(id, 'COMPLETED');
  });

  it('T6 needs no conversation, and none gets a message', async () => {
    const page = { limit: 100, order: 'asc' } as const;
    const before = await rig.store.listConversations('local', page);
    const { model } = rig.script(ANSWERS);
    const { id } = await rig.start({ input: 'What is it?', model });
    expect(await rig.untilEnd(id)).toMatchObject({
      status: 'COMPLETED',
      conversation_id: null,
      output: { text: ANSWER },
    });
    expect(await rig.store.listConversations('local', page)).toEqual(before);
  });

  it('T7 moves only forward, and never again once it has ended, whoever writes later', async () => {
    const { model, key } = rig.script(ANSWERS);
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'What is it?', model, conversation_id });
    const seen: string[] = [];
    const end = await eventually(async () => {
      const task = await rig.get(id);
      if (seen.at(-1) !== task.status) seen.push(task.status);
      return task.status === 'COMPLETED' && task;
    }, 'the end');
    expect(['PENDING', 'RUNNING', 'COMPLETED']).toEqual(expect.arrayContaining(seen));
    expect(seen).toEqual([...seen].sort((a, b) => order(a) - order(b)));

    const messages = await rig.messages(conversation_id);
    await writeLate(id);
    expect(await rig.get(id)).toEqual(end);
    expect(await rig.messages(conversation_id)).toEqual(messages);
    expect(rig.model.calls(key)).toBe(1);
  });
});

const order = (status: string) => ['PENDING', 'RUNNING', 'COMPLETED'].indexOf(status);

/** All who could still write: another run, a canceller, a late end, a late log entry, a late start. */
async function writeLate(id: string): Promise<void> {
  const at = new Date().toISOString();
  const failure = { code: 'internal', message: 'too late' } as const;
  const end = { status: 'FAILED', failure, error: 'too late' } as const;
  expect(await rig.store.beginTask(id, 'another run')).toBeNull();
  expect(await rig.store.finishTask({ taskId: id, end, log: [], at })).toMatchObject({
    won: false,
    event: { type: 'task.completed' },
  });
  expect((await rig.cancel(id, { reason: 'too late' })).outcome).toBe('already_terminal');
  const data = { progress: 0.1 };
  await rig.store.appendLog(id, [{ type: 'task.progress', task_id: id, seq: 99, at, data }]);
  const task = await rig.store.getTask(id);
  if (!task) throw new Error('the task is gone');
  expect(await createRunClient({ ...rig, client: () => rig.client }).start(task)).toBe(false);
}

describe('lists of tasks', () => {
  it('T4 gives exactly the tasks of a status, the union of several, and the intersection of filters', async () => {
    const mine = 'metadata.test=t4';
    const start = (turns: Turn[], group: string) =>
      rig.start({
        input: 'What is it?',
        model: rig.script(...turns).model,
        metadata: { test: 't4', group },
      });
    const completed = await start([ANSWERS], 'a');
    const failed = await start([REFUSES], 'a');
    const other = await start([REFUSES], 'b');
    for (const { id } of [completed, failed, other]) await rig.untilEnd(id);
    const held = gate();
    const running = await start([[{ gate: held }], ANSWERS], 'b');
    await held.reached;
    await rig.stopWorkers();
    const pending = await start([ANSWERS], 'b');

    const expected = {
      PENDING: [pending],
      RUNNING: [running],
      COMPLETED: [completed],
      FAILED: [other, failed],
    };
    for (const [status, tasks] of Object.entries(expected)) {
      expect(idsOf(await list(`${mine}&status=${status}`))).toEqual(tasks.map(({ id }) => id));
    }
    expect(idsOf(await list(`${mine}&status=PENDING&status=RUNNING`))).toEqual([
      pending.id,
      running.id,
    ]);
    const both = `${mine}&metadata.group=b&status=FAILED&status=RUNNING`;
    expect(idsOf(await list(both))).toEqual([running.id, other.id]);
    expect(idsOf(await list(`${both}&failure=model_error`))).toEqual([other.id]);

    await rig.startWorker();
    for (const { id } of [running, pending]) await rig.untilStatus(id, 'COMPLETED');
  });

  it('T10 is paged by creation without hole or repeat while tasks arrive', async () => {
    const { model } = rig.script(...Array.from({ length: 12 }, () => ANSWERS));
    const start = () => rig.start({ input: 'What is it?', model, metadata: { test: 't10' } });
    const started: string[] = [];
    for (let n = 0; n < 8; n += 1) started.push((await start()).id);

    for (const [direction, known] of [
      ['desc', [...started].reverse()],
      ['asc', started],
    ] as const) {
      const paged: Task[] = [];
      const query = `metadata.test=t10&limit=3&order=${direction}`;
      const late = new Set<string>();
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: TaskList = await list(cursor ? `${query}&cursor=${cursor}` : query);
        paged.push(...page.data);
        cursor = page.next_cursor;
        if (late.size < 2) late.add((await start()).id);
      }
      const ids = paged.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((id) => known.includes(id))).toEqual(known);
      const times = paged.map(({ created_at }) => created_at);
      const sorted = [...times].sort();
      expect(times).toEqual(direction === 'asc' ? sorted : sorted.reverse());
    }
    await eventually(
      async () => (await list('metadata.test=t10&status=COMPLETED&limit=100')).data.length === 12,
      'all to complete',
    );
  });
});

describe('idempotency', () => {
  const startWith = (key: string, body: object) =>
    rig.request<Task>('POST', '/v1/tasks', body, { 'Idempotency-Key': key });

  it('T8 makes one task and one workflow of a hundred equal requests at once, and refuses another', async () => {
    const { model, key } = rig.script(ANSWERS);
    const conversation_id = newId('conv');
    const body = { input: 'What is it?', model, conversation_id };
    const answers = await Promise.all(Array.from({ length: 100 }, () => startWith('t8', body)));
    const ids = new Set(answers.map((answer) => answer.body.id));
    expect(ids.size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(99).fill(200), 202]);

    const [id = ''] = ids;
    await rig.untilStatus(id, 'COMPLETED');
    const other = await startWith('t8', { ...body, input: 'Something else?' });
    expect(other).toMatchObject({
      status: 422,
      body: { error: { code: 'idempotency_key_reused' } },
    });
    expect(idsOf(await list(`conversation_id=${conversation_id}`))).toEqual([id]);
    expect(rig.model.calls(key)).toBe(1);
    const query = `HoldfastConversation = '${conversation_id}'`;
    await eventually(async () => (await rig.client.workflow.count(query)).count > 0, 'visibility');
    expect((await rig.client.workflow.count(query)).count).toBe(1);
  });

  it('T9 knows the key after Temporal has forgotten the workflow', async () => {
    const { model, key } = rig.script(ANSWERS);
    const body = { input: 'What is it?', model };
    const { id } = (await startWith('t9', body)).body;
    const end = await rig.untilStatus(id, 'COMPLETED');
    await forget(id);
    expect(await startWith('t9', body)).toMatchObject({ status: 200, body: end });
    await expect(rig.workflowStatus(id)).rejects.toThrow(WorkflowNotFoundError);
    expect(rig.model.calls(key)).toBe(1);
  });

  /** What retention does, at once. */
  async function forget(workflowId: string): Promise<void> {
    const { workflowService } = rig.client;
    const execution = { namespace: 'default', workflowExecution: { workflowId } };
    await eventually(async () => (await rig.workflowStatus(workflowId)) !== 'RUNNING', 'closing');
    await workflowService.deleteWorkflowExecution(execution);
    await eventually(
      () =>
        rig.workflowStatus(workflowId).then(
          () => false,
          (error: unknown) => error instanceof WorkflowNotFoundError,
        ),
      'Temporal to forget the workflow',
    );
  }
});
