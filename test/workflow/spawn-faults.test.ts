import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { createStoreFaults } from '../support/store-faults.ts';
import { eventually } from '../support/within.ts';
import { newConversation } from './cancelled-run.ts';
import { expectLeft } from './left-behind.ts';
import { call, childrenOf, createCast, entriesOf, promptOf } from './family.ts';

const ANSWER = 'Forty-two.';
const cast = createCast(['worker']);
const faults = createStoreFaults();
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents, wrapStore: faults.wrap });
});
beforeEach(() => faults.heal());
afterAll(() => rig[Symbol.asyncDispose]());

/** A lead that asks the worker once the gate is open, in the background or not, and then says so. */
function lead(background: boolean) {
  const ask = call('spawn_agent', { agent: 'worker', input: 'Six times seven?', background });
  const waits = background ? [[call('wait_for_tasks')]] : [];
  const begins = gate();
  const { model, key } = rig.script([{ gate: begins }, ask], ...waits, [{ say: 'It is 42.' }]);
  const conversation_id = newConversation();
  return { key, begins, body: { agent: 'lead', model, input: 'Ask the worker.', conversation_id } };
}

describe('agents that start others while the store fails', () => {
  it.each(['refuse', 'deny'] as const)(
    'M7 K2 start one child each, known to them from its start on: the store may %s',
    async (fault) => {
      const workerKey = cast.direct(rig, 'worker', [{ say: ANSWER }]);
      const { key, begins, body } = lead(false);
      const { id } = await rig.start(body);
      faults[fault]('acceptTask', 3);
      begins.open();
      await expectLeft(rig, id, { text: 'It is 42.', code: null });
      expect(faults.hits('acceptTask')).toBe(3);
      const [child, ...others] = await childrenOf(rig, id);
      expect(others).toEqual([]);
      const told = await entriesOf(rig, id, 'child.started', 'child.completed');
      expect(told.map(({ type, data }) => [type, data.task_id])).toEqual([
        ['child.started', child?.id],
        ['child.completed', child?.id],
      ]);
      expect(rig.model.calls(workerKey)).toBe(1);
      expect(promptOf(rig, key, 2).at(-1)).toContain(ANSWER);
    },
  );

  it.each(['refuse', 'deny'] as const)(
    'M7 hear of the end of a child once it is stored, once: the store may %s',
    async (fault) => {
      cast.direct(rig, 'worker', [{ say: ANSWER }]);
      const { key, begins, body } = lead(true);
      begins.open();
      faults[fault]('finishTask', 2);
      const { id } = await rig.start(body);
      await eventually(() => faults.hits('finishTask') > 0, 'the end of the child to fail');
      expect((await rig.get(id)).status).toBe('RUNNING');
      await expectLeft(rig, id, { text: 'It is 42.', code: null });
      const ends = await entriesOf(rig, id, 'child.completed');
      expect(ends).toHaveLength(1);
      expect(promptOf(rig, key, 3).filter((text) => text.includes(ANSWER))).toHaveLength(1);
    },
  );
});
