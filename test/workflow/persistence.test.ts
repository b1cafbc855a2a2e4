import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import { isTerminalEvent } from '../../contract/events.ts';
import { isTerminal } from '../../contract/task.ts';
import type { Task } from '../../contract/wire.ts';
import { createStore } from '../../store/create-store.ts';
import type { Database } from '../../store/database.ts';
import { StoreUnavailable } from '../../store/errors.ts';
import { openPgliteMemory } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { entriesOf } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'All is well that ends well.';

/** What goes wrong with the store for now. */
const faults = {
  /** Ends are refused before anything of them is written. */
  refusesEnds: false,
  /** Transactions do all of their work, and are then rolled back. */
  losesCommits: false,
  /** So many more ends are committed, and reported as failed. */
  deniesEnds: 0,
};

/** Every transaction loses its connection at the last moment while `losesCommits` holds. */
function lossy(database: Database): Database {
  return {
    ...database,
    transaction: (work) =>
      database.transaction(async (tx) => {
        const result = await work(tx);
        if (faults.losesCommits) throw new StoreUnavailable('lost ahead of the commit');
        return result;
      }),
  };
}

function faulty(store: Store): Store {
  return {
    ...store,
    async finishTask(request) {
      if (faults.refusesEnds) throw new StoreUnavailable('the disk is full');
      const finished = await store.finishTask(request);
      if (faults.deniesEnds === 0) return finished;
      faults.deniesEnds -= 1;
      throw new StoreUnavailable('the answer was lost');
    },
  };
}

describe.each(RELAY_MOODS)('a store that fails at the end of a run, relay %s', (relay) => {
  let database: Database;
  let rig: Rig;
  beforeAll(async () => {
    database = await openPgliteMemory();
    rig = await openRig({ relay, wrapStore: () => faulty(createStore(lossy(database))) });
  });
  beforeEach(() => {
    Object.assign(faults, { refusesEnds: false, losesCommits: false, deniesEnds: 0 });
  });
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
    faults.refusesEnds = true;
    finish();
    expect(await untilTold(id, 'the disk is full')).toMatchObject({
      status: 'RUNNING',
      output: null,
      finished_at: null,
    });
    expect(await rig.messages(conversation_id)).toMatchObject([{ role: 'user' }]);
    await reader.until(({ frame }) => frame.type === 'turn.final_answer');
    expect(entriesOf(reader.frames).some(isTerminalEvent)).toBe(false);

    faults.refusesEnds = false;
    expect((await expectLeft(rig, id, { text: ANSWER, code: null, reader })).live).toBeNull();
  });

  it('M7 stores one end where it commits but reports failure', async () => {
    const { id, reader, finish } = await almostDone();
    faults.deniesEnds = 2;
    finish();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    await eventually(
      async () => (await rig.workflowStatus(id)) === 'COMPLETED',
      'the run to close',
    );
    expect(faults.deniesEnds).toBe(0);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
  });

  it('R4 shows message, status and archived log together, or none of them', async () => {
    const { id, conversation_id, reader, finish } = await almostDone();
    faults.losesCommits = true;
    finish();
    expect((await untilTold(id, 'lost ahead of the commit')).status).toBe('RUNNING');
    expect(await rig.messages(conversation_id)).toMatchObject([{ role: 'user' }]);
    expect(await archiveOf(rig, id)).toEqual([]);

    faults.losesCommits = false;
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
