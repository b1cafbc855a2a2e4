import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { openRig } from '../support/rig.ts';
import { within } from '../support/within.ts';

it('C18 a reset of the workflow of a running task gives its readers a snapshot, and one text', async () => {
  await using rig = await openRig();
  const first = gate();
  const { model, key } = rig.script(
    [{ say: 'The old answer, ' }, { gate: first }, { say: 'which nobody ends.' }],
    [{ say: 'Another answer.', pieces: 3, everyMs: 5 }],
  );
  const task = await rig.start({ input: 'Which one?', model });
  const reader = await rig.read(task.id);
  await reader.untilTrue(() => reader.screen.text(1) === 'The old answer, ');

  await rig.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: task.id },
    requestId: randomUUID(),
    reason: 'an operator wants it',
    // The first workflow task: the run begins anew.
    workflowTaskFinishEventId: { low: 4, high: 0, unsigned: false } as never,
  });

  await within(reader.ended, () => 'the end after the reset');
  first.open();
  expect(reader.frames.map(({ frame }) => frame.type)).toContain('snapshot');
  expect(reader.screen.text(1)).toBe('Another answer.');
  expect(await rig.untilEnd(task.id)).toMatchObject({
    status: 'COMPLETED',
    output: { text: 'Another answer.' },
  });
  expect(rig.model.calls(key)).toBe(2);
});
