import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import type { Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const STEPS = 6;
const steps = Array.from({ length: STEPS }, (_, n): Turn => [
  { call: { id: `c${n}`, name: 'calculator', arguments: { expression: `${n} + 1` } } },
]);

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ defaults: { maxHistoryEvents: 25 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Those of which Temporal still has the history. */
async function runsOf(workflowId: string): Promise<string[]> {
  const runs: string[] = [];
  for await (const { runId } of rig.client.workflow.list({
    query: `WorkflowId = '${workflowId}'`,
  }))
    runs.push(runId);
  return runs;
}

it.each(['task', 'conversation'] as const)(
  'forgets every workflow run of a task that had continued as new, by its %s',
  async (kind) => {
    const { model } = rig.script(...steps, [{ say: 'Done.' }]);
    const conversation_id = newId('conv');
    const { id } = await rig.start({ input: 'Count.', model, conversation_id });
    await expectLeft(rig, id, { text: 'Done.', code: null });
    const log = await archiveOf(rig, id);
    const runs = log.filter(({ type }) => type === 'task.continued').length + 1;
    expect(runs).toBeGreaterThan(1);
    await eventually(async () => (await runsOf(id)).length === runs, 'the runs to be listed');
    const path = `/v1/${kind}s/${kind === 'task' ? id : conversation_id}`;
    expect((await rig.request('DELETE', path)).status).toBe(204);
    await eventually(async () => (await runsOf(id)).length === 0, 'the runs to be gone');
  },
);
