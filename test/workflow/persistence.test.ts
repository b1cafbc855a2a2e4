import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import { isTerminalEvent } from '../../contract/events.ts';
import { isTerminal } from '../../contract/task.ts';
import type { Task } from '../../contract/wire.ts';
import { createStore } from '../../store/create-store.ts';
import type { Database } from '../../store/database.ts';
import { openPgliteMemory } from '../../store/pglite.ts';
import { entriesOf } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { COMMIT_LOST, createStoreFaults, REFUSED } from '../support/store-faults.ts';
import { eventually } from '../support/within.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'All is well that ends well.';

describe.each(RELAY_MOODS)('a store that fails at the end of a run, relay %s', (relay) => {
  const faults = createStoreFaults();
  let database: Database;
  let rig: Rig;
  beforeAll(async () => {
    database = await openPgliteMemory();
    const store = faults.wrap(createStore(faults.wrapDatabase(database)));
    rig = await openRig({ relay, wrapStore: () => store });
  });
  beforeEach(() => faults.heal());
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  /** A run whose model waits, so that the store can be broken before the end; and a reader of it. */
  async function almostDone() {
    const held = gate();
    const { model } = rig.script([{ say: ANSWER, pieces: 3 }, { gate: held }]);
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'How does it end?', model, conversation_id });
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === ANSWER);
    return { id, conversation_id, reader, finish: held.open };
  }

  /** Waits until the task tells why its end cannot be stored. */
  const untilTold = (id: string, why: string): Promise<Task> =>
    eventually(async () => {
      const task = await rig.get(id);
      const { phase, persistence_error } = task.live ?? {};
      return phase === 'finishing' && persistence_error?.includes(why) && task;
    }, `live.persistence_error to say: ${why}`);

  it('M7 is asked again until it works; until then the task is RUNNING and says what is wrong', async () => {
    const { id, conversation_id, reader, finish } = await almostDone();
    faults.refuse('finishTask');
    finish();
    expect(await untilTold(id, REFUSED)).toMatchObject({
      status: 'RUNNING',
      output: null,
      finished_at: null,
    });
    expect(await rig.messages(conversation_id)).toMatchObject([{ role: 'user' }]);
    await reader.until(({ frame }) => frame.type === 'turn.final_answer');
    expect(entriesOf(reader.frames).some(isTerminalEvent)).toBe(false);

    faults.heal();
    expect((await expectLeft(rig, id, { text: ANSWER, code: null, reader })).live).toBeNull();
  });

  it('M7 stores one end where it commits but reports failure', async () => {
    const { id, reader, finish } = await almostDone();
    faults.deny('finishTask', 2);
    finish();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    await eventually(
      async () => (await rig.workflowStatus(id)) === 'COMPLETED',
      'the run to close',
    );
    expect(faults.hits('finishTask')).toBe(2);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
  });

  it('M7 shows readers the end as soon as it is stored, though every report of it fails', async () => {
    const { id, reader, finish } = await almostDone();
    faults.deny('finishTask');
    finish();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(faults.hits('finishTask')).toBeGreaterThan(0);
    expect(await rig.workflowStatus(id)).toBe('RUNNING');
    faults.heal();
    await eventually(async () => (await rig.workflowStatus(id)) === 'COMPLETED', 'it to close');
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
  });

  it('R4 shows message, status and archived log together, or none of them', async () => {
    const { id, conversation_id, reader, finish } = await almostDone();
    faults.loseCommits();
    finish();
    expect((await untilTold(id, COMMIT_LOST)).status).toBe('RUNNING');
    expect(await rig.messages(conversation_id)).toMatchObject([{ role: 'user' }]);
    expect(await archiveOf(rig, id)).toEqual([]);

    faults.heal();
    await eventually(async () => {
      const before = await rig.store.getTask(id);
      const messages = await rig.messages(conversation_id);
      const log = await archiveOf(rig, id);
      const after = await rig.store.getTask(id);
      if (before && isTerminal(before.status)) {
        expect([messages.length, log.some(isTerminalEvent)]).toEqual([2, true]);
      }
      if (messages.length === 2 || log.length > 0) expect(after?.status).toBe('COMPLETED');
      return after?.status === 'COMPLETED';
    }, 'the end');
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
  });
});
