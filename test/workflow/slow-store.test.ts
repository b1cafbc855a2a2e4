import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRig, type Rig } from '../support/rig.ts';
import { expectLeft } from './left-behind.ts';

/** Longer than a workflow task waits for it, and than the heartbeat time-out of the activity that takes its place. */
const SLOW_MS = 6_000;

let rig: Rig;
let begun = 0;
beforeAll(async () => {
  rig = await openRig({
    wrapStore: (store) => ({
      ...store,
      async beginTask(id, runId) {
        begun += 1;
        const task = await store.beginTask(id, runId);
        await sleep(SLOW_MS);
        return task;
      },
    }),
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

it('X5 begins a run with a store that takes its time', async () => {
  const { model, key } = rig.script([{ say: 'At last.' }]);
  const { id } = await rig.start({ input: 'Begin.', model });
  await expectLeft(rig, id, { text: 'At last.', code: null });
  expect([begun, rig.model.calls(key)]).toEqual([2, 1]);
});
