import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool, type Tool } from '../../agents/tool.ts';
import { startOptions } from '../../contract/start-options.ts';
import type { Task } from '../../contract/wire.ts';
import type { Store } from '../../store/store.ts';
import { gate, type Gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { acceptOnly, newConversation, PATIENT, untilClosed } from './cancelled-run.ts';
import { call, childrenOf, createCast, entriesOf, promptOf } from './family.ts';
import { claimAll, untilSettled, WORD } from './family-ends.ts';

const parameters = z.object({});
const child = { agent: 'worker', input: 'Is there water?' };

/** Tools that start tasks in ways that the shipped ones do not. */
const tools: Tool[] = [
  defineTool({
    name: 'ask_two',
    description: 'Starts two, and gives the result of the first.',
    parameters,
    run: async (_, { tasks }) => {
      const first = await tasks.spawn(child);
      await tasks.spawn({ ...child, agent: 'other' });
      return tasks.resultOf(first);
    },
  }),
  defineTool({
    name: 'ask_and_slip',
    description: 'Starts one, and fails.',
    parameters,
    run: async (_, { tasks }) => {
      await tasks.spawn(child);
      throw new Error('slipped');
    },
  }),
  defineTool({
    name: 'eavesdrop',
    description: 'Wants the result of a task that another call has started.',
    parameters,
    run: async (_, { tasks }) => {
      const [running] = await tasks.list();
      return tasks.resultOf(running!);
    },
  }),
  defineTool({
    name: 'knock',
    description: 'Says so, twice.',
    parameters: z.object({ at: z.string() }),
    run: ({ at }, { emit }) => {
      emit('knock', { at, n: 1 });
      emit('knock', { at, n: 2 });
      return Promise.resolve('knocked');
    },
  }),
];

/** Where the start of a child waits, once the store has it. */
let accepting: Gate | null = null;
const wrapStore = (store: Store): Store => ({
  ...store,
  async acceptTask(task, key) {
    const accepted = await store.acceptTask(task, key);
    if (task.parent) await accepting?.pass();
    return accepted;
  },
});

const cast = createCast(['worker', 'other', 'head'], tools);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents, wrapStore });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A run of the agent `head`, which has the tools above, in a conversation of its own. */
async function head(...turns: Parameters<Rig['script']>) {
  const key = cast.direct(rig, 'head', ...turns);
  const conversation_id = newConversation();
  const task = await rig.start({ agent: 'head', input: 'Look.', conversation_id });
  return { ...task, key, conversation_id };
}

const wait = call('wait_for_tasks', {}, 'w');
const answered = [{ say: 'So it is.' }];

describe('what a call has started', () => {
  it('B6 is told of in the next step, where the result of the call is that of another task', async () => {
    cast.direct(rig, 'worker', [{ say: 'One.' }]);
    cast.direct(rig, 'other', [{ say: 'Two.' }]);
    const lead = await head([call('ask_two')], [wait], answered);
    await rig.untilStatus(lead.id, 'COMPLETED');
    const [first, second] = await childrenOf(rig, lead.id);
    const [result] = await entriesOf(rig, lead.id, 'turn.tool_result');
    expect(result?.data.output).toMatchObject({ task_id: first?.id, output: { text: 'One.' } });
    const prompt = promptOf(rig, lead.key, 3);
    expect(prompt.filter((text) => text.includes('has completed'))).toEqual([
      `user: The task ${second?.id} has completed. Its result:\nTwo.`,
    ]);
    const started = await entriesOf(rig, lead.id, 'child.started');
    expect(started.map(({ data }) => data.background)).toEqual([false, true]);
    expect(await claimAll(rig, lead.conversation_id)).toEqual([]);
  });

  it('B6 is told of in a later step, where the call has failed behind it', async () => {
    cast.direct(rig, 'worker', [{ say: WORD }]);
    const lead = await head([call('ask_and_slip')], [wait], answered);
    await rig.untilStatus(lead.id, 'COMPLETED');
    expect(promptOf(rig, lead.key, 2).at(-1)).toContain('slipped');
    expect(promptOf(rig, lead.key, 3).join('\n').split(WORD)).toHaveLength(2);
    expect(await claimAll(rig, lead.conversation_id)).toEqual([]);
  });

  it('gives its result to no other call', async () => {
    const held = gate();
    cast.direct(rig, 'worker', [{ gate: held }, { say: WORD }]);
    const spawn = call('spawn_agent', { ...child, background: true });
    const lead = await head([spawn], [call('eavesdrop')], [wait], answered);
    await within(rig.model.closed(lead.key, 2), () => 'the second call');
    held.open();
    await rig.untilStatus(lead.id, 'COMPLETED');
    const results = await entriesOf(rig, lead.id, 'turn.tool_result');
    expect(results[1]?.data).toMatchObject({ is_error: true });
    expect(String(results[1]?.data.output)).toContain('was not started by this call');
  });

  it("M3 B6 is a tool_run's own result, where its call has waited for it", async () => {
    cast.direct(rig, 'worker', [{ say: WORD }]);
    const order = { tool: 'spawn_agent', arguments: child };
    const lead = await head([call('run_in_background', order)], [wait], answered);
    await rig.untilStatus(lead.id, 'COMPLETED');
    const [run] = await childrenOf(rig, lead.id);
    expect(run).toMatchObject({ type: 'tool_run', status: 'COMPLETED' });
    expect(run?.output).toMatchObject({ value: { output: { text: WORD } } });
    expect(promptOf(rig, lead.key, 3).join('\n').split(WORD)).toHaveLength(2);
    expect(await claimAll(rig, lead.conversation_id)).toEqual([]);
  });

  it('C12 is cancelled with its tree before its run begins', async () => {
    accepting = gate();
    const lead = await head([call('spawn_agent', { ...child, background: true })]);
    await within(accepting.reached, () => 'the child to be accepted');
    const [{ id } = { id: '' }] = await childrenOf(rig, lead.id);
    const receipt = rig.cancel(lead.id, PATIENT);
    expect((await rig.untilEnd(id)).failure?.code).toBe('cancelled');
    accepting.open();
    accepting = null;
    expect(await receipt).toMatchObject({ outcome: 'cancelled', children: [{ task_id: id }] });
    expect(await claimAll(rig, lead.conversation_id)).toEqual([id]);
  });

  it('C4 closes as Canceled where its run begins behind its cancel, which found none', async () => {
    const task = await acceptOnly(rig, {});
    const request = { at: new Date().toISOString(), by: null, reason: null };
    expect(await rig.store.requestCancel(task.id, task.owner, request)).toMatchObject({
      kind: 'ended',
    });
    await rig.store.markCancelSent(task.id);
    await rig.client.workflow.start('agentRun', startOptions(task, rig.taskQueue));
    await untilClosed(rig, task.id, 'CANCELLED');
  });
});

describe('a parent that has not begun', () => {
  it('I9 I1 hears of what a caller has started below it when it has: events in order, then the end', async () => {
    const holding = gate();
    const conversation_id = newConversation();
    const first = rig.script([{ gate: holding }, { say: 'Done.' }]);
    await rig.start({ model: first.model, input: 'Hold.', conversation_id });
    const begun = gate();
    const spent = call('calculator', { expression: '1 + 1' });
    const { model, key } = rig.script([{ gate: begun }, spent], answered);
    const lead = await rig.start({ model, input: 'Look.', conversation_id });
    expect(lead.status).toBe('PENDING');

    const knocking = gate();
    const [early, late] = [call('knock', { at: 'dawn' }), call('knock', { at: 'dusk' })];
    cast.direct(rig, 'worker', [early], [{ gate: knocking }, late], [{ say: WORD }]);
    const below = { agent: 'worker', input: 'Knock.', parent: { task_id: lead.id } };
    const task: Task = await rig.start(below);
    await within(knocking.reached, () => 'the first knocks');
    holding.open();
    await within(begun.reached, () => 'the parent to begin');
    knocking.open();
    await untilSettled(rig, task.id);
    begun.open();
    await rig.untilStatus(lead.id, 'COMPLETED');
    const told = await entriesOf(rig, lead.id, 'child.custom', 'child.completed');
    expect(told.map(({ type, data }) => ('payload' in data ? data.payload : type))).toEqual([
      ...['dawn', 'dusk'].flatMap((at) => [1, 2].map((n) => ({ at, n }))),
      'child.completed',
    ]);
    expect(promptOf(rig, key, 2).join('\n').split(WORD)).toHaveLength(2);
    expect(await claimAll(rig, conversation_id)).toEqual([]);
  });
});
