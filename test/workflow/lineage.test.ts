import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import type { Task } from '../../contract/wire.ts';
import type { Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { call, childrenOf, createCast, entriesOf, inBackground, startLead } from './family.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];

const delegate = defineTool({
  name: 'delegate',
  description: 'Has a worker do it.',
  parameters: z.object({}),
  run: async (_, { tasks }) =>
    tasks.resultOf(await tasks.spawn({ agent: 'worker', input: 'Work.' })),
});
const whoAmI = defineTool({
  name: 'who_am_i',
  description: 'Says whose call it is.',
  parameters: z.object({}),
  run: async (_, { taskId }) => taskId,
});

const cast = createCast(['chief', 'worker', 'other'], [delegate, whoAmI]);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

async function only(parent: { id: string }): Promise<Task> {
  const children = await childrenOf(rig, parent.id);
  expect(children).toHaveLength(1);
  return children[0]!;
}

describe('tasks that start tasks', () => {
  it('L3 L5 are each the parent of what they start, agents and tools, and know which task they are', async () => {
    cast.direct(rig, 'other', [call('who_am_i')], ANSWERS);
    cast.direct(rig, 'worker', [inBackground('other')], [call('wait_for_tasks')], ANSWERS);
    const chief = await startLead(
      rig,
      [[call('run_in_background', { tool: 'delegate' })], [call('wait_for_tasks')], ANSWERS],
      { agent: 'chief' },
    );
    await rig.untilStatus(chief.id, 'COMPLETED');
    const tool = await only(chief);
    const worker = await only(tool);
    const other = await only(worker);
    const lineage = async (of: Task, call_id: string, agent_id: string) => {
      const { run_id } = (await rig.get(of.id)).workflow;
      return { task_id: of.id, run_id, call_id, agent_id };
    };
    expect(worker.parent).toEqual(await lineage(tool, 'call', 'chief'));
    expect(other.parent).toEqual(await lineage(worker, 'spawn_other', 'worker'));
    expect([tool.type, worker.type, other.type]).toEqual(['tool_run', 'agent_run', 'agent_run']);
    // The tool in the background has waited for the answer of its worker.
    expect(tool.output).toMatchObject({
      value: { task_id: worker.id, output: { text: 'So be it.' } },
    });
    const { body } = await rig.request<{ data: Task[] }>('GET', `/v1/tasks/${chief.id}/tree`);
    expect(body.data.map(({ id }) => id)).toEqual([chief.id, tool.id, worker.id, other.id]);
    const [known] = await entriesOf(rig, other.id, 'turn.tool_result');
    expect(known?.data.output).toBe(other.id);
  });
});
