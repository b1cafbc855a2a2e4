import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { call, childrenOf, createCast, entriesOf, promptOf } from './family.ts';
import { newConversation } from './cancelled-run.ts';

const cast = createCast(['worker', 'other']);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

describe('an agent that starts another', () => {
  it('L2 waits for its answer in the foreground: the child has the lineage of the call', async () => {
    cast.direct(rig, 'worker', [{ say: 'Forty-two.' }]);
    const { model, key } = rig.script(
      [call('spawn_agent', { agent: 'worker', input: 'Six times seven?' })],
      [{ say: 'It is 42.' }],
    );
    const lead = await rig.start({ agent: 'lead', model, input: 'Ask the worker.' });
    const { run_id } = (await rig.untilStatus(lead.id, 'COMPLETED')).workflow;
    const [child] = await childrenOf(rig, lead.id);
    expect(child).toMatchObject({
      type: 'agent_run',
      agent: 'worker',
      status: 'COMPLETED',
      output: { text: 'Forty-two.' },
      input: 'Six times seven?',
      parent: { task_id: lead.id, run_id, call_id: 'spawn_agent_1', agent_id: 'lead' },
    });
    const [result] = await entriesOf(rig, lead.id, 'turn.tool_result');
    expect(result?.data).toMatchObject({ output: { output: { text: 'Forty-two.' } } });
    expect(promptOf(rig, key, 2)).toHaveLength(3);
  });

  it('I2 goes on while the child works in the background, and reads its answer in the step after', async () => {
    const held = gate();
    const worker = cast.direct(rig, 'worker', [{ gate: held }, { say: 'Forty-two.' }]);
    const { model, key } = rig.script(
      [
        call('spawn_agent', {
          agent: 'worker',
          input: 'Six times seven?',
          background: true,
          name: 'w',
        }),
      ],
      [call('wait_for_tasks')],
      [{ say: 'It is 42.' }],
    );
    const conversation_id = newConversation();
    const lead = await rig.start({
      agent: 'lead',
      model,
      input: 'Ask the worker.',
      conversation_id,
    });
    await held.reached;
    held.open();
    await rig.untilStatus(lead.id, 'COMPLETED');
    const [child] = await childrenOf(rig, lead.id);
    const told = await entriesOf(rig, lead.id, 'child.started', 'child.completed');
    expect(told.map(({ type, data }) => [type, data.task_id, data.name])).toEqual([
      ['child.started', child?.id, 'w'],
      ['child.completed', child?.id, 'w'],
    ]);
    expect(promptOf(rig, key, 3).at(-1)).toBe(
      `user: The task ${child?.id} ("w") has completed. Its result:\nForty-two.`,
    );
    const claimed = await rig.request(
      'POST',
      `/v1/conversations/${conversation_id}/results/claim`,
      {
        claim_id: 'c1',
      },
    );
    expect(claimed.body).toMatchObject({ data: [] });
    // Nothing of the conversation, in which it would find what the lead was asked.
    expect(promptOf(rig, worker, 1)).toEqual(['user: Six times seven?']);
  });
});
