import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/create-store.ts';
import type { Database } from '../../store/database.ts';
import { openPgliteMemory } from '../../store/pglite.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { newConversation } from './cancelled-run.ts';
import {
  call,
  childrenOf,
  createCast,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
  untilWaiting,
} from './family.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];
/** One call of the scripted model uses 15 tokens. */
const LIMITS = { maxDepth: 1, maxActive: 2, maxTokens: 30 };

const cast = createCast(['worker', 'other']);
let database: Database;
let rig: Rig;
beforeAll(async () => {
  database = await openPgliteMemory();
  rig = await openRig({ agents: cast.agents, wrapStore: () => createStore(database, LIMITS) });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const spawn = (args: object, id: string) => call('spawn_agent', { input: 'Work.', ...args }, id);
const inTool = (args: object, id: string) => call('run_in_background', args, id);
const lead = (...turns: Turn[]) => startLead(rig, turns, { conversation_id: newConversation() });

/** Results of the calls of an ended run, by the calls' ids. */
async function resultsOf(
  id: string,
): Promise<Record<string, [output: unknown, is_error: boolean]>> {
  const results = await entriesOf(rig, id, 'turn.tool_result');
  return Object.fromEntries(
    results.map(({ data }) => [data.call_id, [data.output, data.is_error]]),
  );
}

const refused = (text: string) => [expect.stringContaining(text), true];

describe('a task that an agent cannot start', () => {
  it('K1 is an error result that says what there is, and the run goes on', async () => {
    const { id, key } = await lead(
      [
        spawn({ agent: 'nobody' }, 'agent'),
        spawn({ agent: 'worker', name: 'all' }, 'reserved'),
        inTool({ tool: 'juggle' }, 'tool'),
        inTool({ tool: 'calculator', arguments: { expression: 7 } }, 'arguments'),
      ],
      ANSWERS,
    );
    await rig.untilStatus(id, 'COMPLETED');
    expect(await resultsOf(id)).toEqual({
      agent: refused('There is no agent named "nobody". There are: default, lead, worker, other.'),
      reserved: refused('The name "all" is reserved; choose another one.'),
      tool: refused('There is no tool named "juggle". There are: '),
      arguments: refused('The arguments do not fit the schema of calculator: '),
    });
    expect(await childrenOf(rig, id)).toEqual([]);
    expect(promptOf(rig, key, 2).at(-4)).toContain('There is no agent named "nobody".');
  });

  it('K1 is an error result where its name is taken', async () => {
    const held = gate();
    cast.direct(rig, 'worker', [{ gate: held }, ...ANSWERS]);
    const { id } = await lead(
      [inBackground('worker')],
      [spawn({ agent: 'other', name: 'worker' }, 'again')],
      ANSWERS,
    );
    await rig.untilStatus(id, 'COMPLETED');
    expect((await resultsOf(id)).again).toEqual(
      refused('a task named worker has not ended: choose another name.'),
    );
    held.open();
    const [child] = await childrenOf(rig, id);
    await rig.untilStatus(child?.id ?? '', 'COMPLETED');
  });

  it('K1 is an error result where it would be too deep, one too many, or more than the tree may use', async () => {
    const [held, beside] = [gate(), gate()];
    cast.direct(rig, 'worker', [{ gate: held }, spawn({ agent: 'other' }, 'deep')], ANSWERS);
    cast.direct(rig, 'other', [{ gate: beside }, ...ANSWERS]);
    const another = (id: string) => spawn({ agent: 'other', background: true }, id);
    const { id } = await lead(
      [inBackground('worker'), inBackground('other')],
      [another('third')],
      [call('wait_for_tasks')],
      [another('spent')],
      ANSWERS,
    );
    await untilWaiting(rig, id);
    held.open();
    beside.open();
    await rig.untilStatus(id, 'COMPLETED');
    const { third, spent } = await resultsOf(id);
    expect(third).toEqual(refused(`2 tasks below ${id} have not ended, and the limit is 2: wait`));
    expect(spent).toEqual(
      refused(
        `the tasks below ${id} have used 45 tokens, and the limit is 30: nothing more can be started there: go on`,
      ),
    );
    const [worker, ...others] = await childrenOf(rig, id);
    expect(others).toHaveLength(1);
    expect((await resultsOf(worker?.id ?? '')).deep).toEqual(
      refused('You are too far below the first task to start others: do it yourself.'),
    );
  });
});
