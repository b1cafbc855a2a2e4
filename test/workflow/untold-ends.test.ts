import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../contract/task.ts';
import type { Store } from '../../store/store.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { acceptOnly, halfAnswer, newConversation } from './cancelled-run.ts';
import {
  call,
  createCast,
  endsOf,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
  untilWaiting,
} from './family.ts';

const ANSWERS: Turn = [{ say: 'So be it.' }];

/** Where the next end of a task waits, by its name: it stands in the record, and its parent is not told of it yet. */
const stored = new Map<string, Gate>();
const wrapStore = (store: Store): Store => ({
  ...store,
  async finishTask(request) {
    const result = await store.finishTask(request);
    const name = result.task.name ?? '';
    const held = stored.get(name);
    stored.delete(name);
    await held?.pass();
    return result;
  },
  // Nor by the reconciler, which starts nothing either.
  dueParentNews: () => Promise.resolve([]),
  dueStarts: () => Promise.resolve([]),
});

const cast = createCast(['worker']);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents, wrapStore });
});
afterAll(() => rig[Symbol.asyncDispose]());

const wait = (args: object = {}) => call('wait_for_tasks', args);
const lead = (...turns: Turn[]) => startLead(rig, turns, { conversation_id: newConversation() });

describe('a wait for tasks', () => {
  it('lasts until it is told of an end that stands in the record already', async () => {
    const [telling, held] = [gate(), gate()];
    cast.direct(rig, 'worker', ANSWERS);
    stored.set('untold', telling);
    const { id, key } = await lead(
      [inBackground('worker', { name: 'untold' })],
      [{ gate: held }, wait()],
      ANSWERS,
    );
    await within(telling.reached, () => 'the end to be stored');
    held.open();
    await untilWaiting(rig, id);
    telling.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect(await endsOf(rig, id)).toEqual({ ended: [['untold', 'completed']], running: [] });
    expect(promptOf(rig, key, 3).at(-1)).toContain('has completed');
  });

  it('ends with a child that a caller has put below the task, cancelled before it ever began', async () => {
    const held = gate();
    const busy = await rig.start({
      input: 'Go on.',
      model: rig.script(halfAnswer()).model,
      conversation_id: newConversation(),
    });
    const { id, key } = await lead([{ gate: held }, call('list_tasks')]);
    const queued = await rig.start({
      input: 'And then?',
      parent: { task_id: id },
      conversation_id: busy.conversation_id!,
    });
    rig.model.script(key, [
      [wait({ tasks: [queued.id] }), call('cancel_task', { task: queued.id })],
      ANSWERS,
    ]);
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    expect((await entriesOf(rig, id, 'child.cancelled')).map(({ data }) => data.task_id)).toEqual([
      queued.id,
    ]);
    await rig.cancel(busy.id);
  });

  const follow = (on_busy: string) => async (child: TaskRecord) => {
    const { model } = rig.script(ANSWERS);
    const conversation_id = child.conversation_id!;
    const { id } = await rig.start({ input: 'Now!', model, conversation_id, on_busy });
    await rig.untilStatus(id, 'COMPLETED');
  };

  it.each<[string, (child: TaskRecord) => Promise<unknown>]>([
    ['alone', ({ id }) => rig.cancel(id, { scope: 'task' })],
    ['as a tree', ({ id }) => rig.cancel(id)],
    [
      'with its conversation',
      ({ conversation_id: id }) => rig.request('POST', `/v1/conversations/${id}/cancel`, {}),
    ],
    ['by a start that interrupts it', follow('interrupt')],
    ['by a start that rolls it back', follow('rollback')],
  ])(
    'I2 ends at once with a child that a caller cancels before it began, %s',
    async (_, cancel) => {
      const held = gate();
      const { id, key } = await lead([{ gate: held }, call('list_tasks')]);
      const child = await acceptOnly(rig, {
        name: 'idle',
        parent: { task_id: id },
        conversation_id: newConversation(),
      });
      rig.model.script(key, [[wait({ tasks: [child.id] })], ANSWERS]);
      held.open();
      await untilWaiting(rig, id);
      await cancel(child);
      await rig.untilStatus(id, 'COMPLETED');
      expect(await endsOf(rig, id)).toEqual({ ended: [['idle', 'cancelled']], running: [] });
      expect(await entriesOf(rig, id, 'child.cancelled')).toHaveLength(1);
    },
  );
});
