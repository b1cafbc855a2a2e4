import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { Turn } from '../support/model-server.ts';
import { isEntry } from '../support/reader-promise.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { archiveOf, expectLeft } from '../workflow/left-behind.ts';

const STEPS = 2_000;
const ANSWER = 'Two thousand.';

const count = defineTool({
  name: 'count',
  description: 'Counts.',
  parameters: z.object({}),
  run: async () => 'one more',
});

let rig: Rig;
beforeAll(async () => {
  const endless = { maxSteps: 2 * STEPS, maxTokens: 1e9, taskTimeoutMs: 3_600_000 };
  rig = await openRig({ tools: [count], defaults: endless });
});
afterAll(() => rig[Symbol.asyncDispose]());

it('a run of 2,000 steps has a log without a hole, continues as new, and costs the same at each step', async () => {
  const turn: Turn = [{ say: 'On. ' }, { call: { id: 'c', name: 'count', arguments: {} } }];
  const { model, key } = rig.script(...Array.from({ length: STEPS }, () => turn), [
    { say: ANSWER, pieces: 3 },
  ]);
  const { id } = await rig.start({ input: 'Count.', model });
  const shown: LogEvent[] = [];
  for await (const { frame } of createHoldfastClient({ baseUrl: rig.url }).events(id)) {
    if (!isEntry(frame)) continue;
    shown.push(frame);
    // The prompt grows with each step: two thousand of them are more than a test should hold.
    if (frame.type === 'turn.started') rig.model.forget(key);
  }
  await expectLeft(rig, id, { text: ANSWER, code: null });
  const log = await archiveOf(rig, id);
  expect(shown).toEqual(log);
  expect(log.filter(({ type }) => type === 'turn.tool_result')).toHaveLength(STEPS);

  const runs = await Promise.all(
    workflowRuns(log).map(async ({ runId, steps }) => {
      const { historySize = 0 } = await rig.client.workflow.getHandle(id, runId).describe();
      return historySize / steps;
    }),
  );
  expect(runs.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...runs)).toBeLessThan(1.1 * Math.min(...runs));
}, 900_000);

/** The workflow runs that have gone on in another one, with the steps of each. */
function workflowRuns(log: readonly LogEvent[]): { runId: string; steps: number }[] {
  const runs: { runId: string; steps: number }[] = [];
  let steps = 0;
  for (const event of log) {
    if (event.type === 'turn.started') steps += 1;
    if (event.type !== 'task.continued') continue;
    runs.push({ runId: event.data.run_id, steps });
    steps = 0;
  }
  return runs;
}
