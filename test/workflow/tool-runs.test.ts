import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import type { Task } from '../../contract/wire.ts';
import { entriesOf as framesOf } from '../support/feed-reader.ts';
import type { Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { expectCancelled, newConversation, PATIENT } from './cancelled-run.ts';
import { call, createCast, entriesOf, startLead, untilRunning } from './family.ts';
import { archiveOf, sha256 } from './left-behind.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];

/** Where calls of `dig` wait for their test; what they say is known then. */
const digging = new Map<string, PromiseWithResolvers<string>>();
const parameters = z.object({ depth: z.number() });
const dig = defineTool({
  name: 'dig',
  description: 'Digs, and says what it has found.',
  parameters,
  run: async ({ depth }, { taskId, signal }) => {
    const found = Promise.withResolvers<string>();
    digging.set(taskId, found);
    signal.addEventListener('abort', () => found.reject(new Error('told to stop')));
    return { depth, found: await found.promise, by: taskId };
  },
});
const launch = defineTool({
  name: 'launch',
  description: 'Cannot be undone.',
  parameters: z.object({}),
  needsApproval: true,
  run: (_, { taskId }) => Promise.resolve(`launched by ${taskId}`),
});

const cast = createCast(['chief'], [dig, launch]);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const inTool = (tool: string, args: object = {}) =>
  call('run_in_background', { tool, arguments: args, name: tool });

/** A chief that has begun a tool in the background, and waits for its end; and the tool's task. */
async function chief(tool: string, args: object = {}) {
  const turns: Turn[] = [[inTool(tool, args)], [call('wait_for_tasks')], ANSWERS];
  const conversation_id = newConversation();
  const { id, key } = await startLead(rig, turns, { agent: 'chief', conversation_id });
  const task = await untilRunning(rig, id, tool);
  return { id, key, task, conversation_id };
}

/** The same with `dig`, once it digs. */
async function chiefWhoDigs() {
  const started = await chief('dig', { depth: 3 });
  const { id } = started.task;
  const found = await eventually(() => digging.get(id), 'the tool to dig');
  return { ...started, reader: await rig.read(id), found };
}

describe('a tool in the background', () => {
  it('L5 is a task of type tool_run: its record, its feed and what its code knows of it', async () => {
    const { id, task, reader, found, conversation_id } = await chiefWhoDigs();
    expect(task).toMatchObject({
      type: 'tool_run',
      agent: 'chief',
      status: 'RUNNING',
      name: 'dig',
      tool_call: { name: 'dig', arguments: { depth: 3 } },
      conversation_id,
      parent: { task_id: id, call_id: 'run_in_background_1', agent_id: 'chief' },
    });
    expect((await rig.get(task.id)).live).toMatchObject({ phase: 'tools', tool: 'dig' });
    found.resolve('bones');
    await rig.untilStatus(id, 'COMPLETED');
    const value = { depth: 3, found: 'bones', by: task.id };
    const record = await rig.get(task.id);
    expect(record).toMatchObject({
      status: 'COMPLETED',
      progress: 1,
      output: { value },
      failure: null,
    });
    await reader.ended;
    const log = await archiveOf(rig, task.id);
    expect(framesOf(reader.frames)).toEqual(log);
    expect(log.map(({ type, seq }) => [seq, type])).toEqual([
      [1, 'task.accepted'],
      [2, 'task.started'],
      [3, 'turn.tool_call'],
      [4, 'turn.tool_result'],
      [5, 'task.completed'],
    ]);
    expect(log.at(-1)?.data).toMatchObject({
      output: { value },
      text_length: 0,
      text_sha256: sha256(''),
    });
    const told = await entriesOf(rig, id, 'child.started', 'child.completed');
    expect(told.map(({ data }) => data)).toMatchObject([
      { task_id: task.id, name: 'dig', type: 'tool_run', background: true, step: 1 },
      { task_id: task.id, name: 'dig', output: { value } },
    ]);
    // It says nothing in the conversation.
    expect((await rig.messages(conversation_id)).map(({ task_id }) => task_id)).toEqual([id, id]);
  });

  it('is FAILED with tool_error where the tool throws', async () => {
    const { id, task, found } = await chiefWhoDigs();
    found.reject(new Error('hit a rock'));
    await rig.untilStatus(id, 'COMPLETED');
    const failure = { code: 'tool_error', message: 'hit a rock' };
    expect(await rig.get(task.id)).toMatchObject({ status: 'FAILED', failure, output: null });
    const [told] = await entriesOf(rig, id, 'child.failed');
    expect(told?.data).toMatchObject({ task_id: task.id, failure, partial_output: null });
  });

  it('is stopped by a cancel, and by that of its parent', async () => {
    const [one, other] = [await chiefWhoDigs(), await chiefWhoDigs()];
    await rig.cancel(one.task.id, PATIENT);
    await expectCancelled(rig, one.task.id, { partial: null, reader: one.reader });
    await rig.untilStatus(one.id, 'COMPLETED');
    const receipt = await rig.cancel(other.id, PATIENT);
    expect(receipt.children.map(({ task_id }) => task_id)).toEqual([other.task.id]);
    await expectCancelled(rig, other.task.id, { partial: null, reader: other.reader });
  });

  it('waits for its approval, which is given to the task itself, and not to its parent', async () => {
    const { id, task } = await chief('launch');
    const reader = await rig.read(task.id);
    await reader.until(({ frame }) => frame.type === 'approval.requested');
    const approvals = await eventually(
      async () => (await rig.get(task.id)).live?.pending_approvals,
      'its approval',
    );
    expect((await rig.get(id)).live?.pending_approvals).toEqual([]);
    const approve = (task_id: string) =>
      rig.request('POST', `/v1/tasks/${task_id}/approvals/${approvals[0]}`, { approved: true });
    expect((await approve(id)).status).toBe(404);
    expect((await approve(task.id)).status).toBe(200);
    await rig.untilStatus(id, 'COMPLETED');
    expect((await rig.get(task.id)).output).toEqual({ value: `launched by ${task.id}` });
  });
});

describe('the list of tasks', () => {
  it('M3 tells agents from tools in the background, and finds them by type and status', async () => {
    const [ended, running] = [await chiefWhoDigs(), await chiefWhoDigs()];
    ended.found.resolve('gold');
    await rig.untilStatus(ended.id, 'COMPLETED');
    const list = async (query: string) => {
      const path = `/v1/tasks?limit=100&${query}`;
      const { data } = (await rig.request<{ data: Task[] }>('GET', path)).body;
      return data.map(({ id }) => id);
    };
    const among = (ids: string[]) => ids.filter((id) => mine.includes(id)).toSorted();
    const mine = [ended, running].flatMap(({ id, task }) => [id, task.id]);
    const expected: [string, string[]][] = [
      ['type=tool_run', [ended.task.id, running.task.id]],
      ['type=agent_run', [ended.id, running.id]],
      ['type=tool_run&status=RUNNING', [running.task.id]],
      ['type=tool_run&status=COMPLETED', [ended.task.id]],
      ['type=agent_run&status=RUNNING', [running.id]],
    ];
    for (const [query, ids] of expected)
      expect(among(await list(query)), query).toEqual(ids.toSorted());
    running.found.resolve('nothing');
    await rig.untilStatus(running.id, 'COMPLETED');
  });
});
