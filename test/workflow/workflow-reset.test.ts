import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { within } from '../support/within.ts';
import { archiveOf } from './left-behind.ts';

/** As the Web UI does: the run begins anew. */
function resetToFirstTask(rig: Rig, workflowExecution: { workflowId: string; runId?: string }) {
  return rig.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution,
    requestId: randomUUID(),
    reason: 'an operator wants it',
    workflowTaskFinishEventId: { low: 4, high: 0, unsigned: false } as never,
  });
}

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

  await resetToFirstTask(rig, { workflowId: task.id });

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

it('C18 a reset to before a run continued as new gives its readers the log of the run that goes on', async () => {
  const turnPage = defineTool({
    name: 'turn_page',
    description: 'Turns a page.',
    parameters: z.object({}),
    run: () => Promise.resolve('turned'),
  });
  await using rig = await openRig({ tools: [turnPage], defaults: { maxHistoryEvents: 25 } });
  const former = gate();
  const pages = Array.from({ length: 4 }, (_, n): Turn => [
    { say: 'On. ' },
    { call: { id: `c${n}`, name: 'turn_page', arguments: {} } },
  ]);
  const { model } = rig.script(
    ...pages,
    [{ say: 'The old answer, ' }, { gate: former }, { say: 'which nobody ends.' }],
    [{ say: 'Another answer.' }],
  );
  const { id } = await rig.start({ input: 'Which one?', model });
  const reader = await rig.read(id);
  await reader.until(({ frame }) => frame.type === 'task.continued');
  await within(former.reached, () => 'the run that goes on');

  const runId = (await rig.get(id)).workflow.run_id;
  expect(runId).not.toBeNull();
  await resetToFirstTask(rig, { workflowId: id, runId: runId! });

  await within(reader.ended, () => 'the end after the reset');
  former.open();
  expect(await rig.untilEnd(id)).toMatchObject({ output: { text: 'Another answer.' } });
  const log = await archiveOf(rig, id);
  expect(log.map(({ type }) => type)).toEqual([
    'task.accepted',
    'task.started',
    'turn.started',
    'turn.final_answer',
    'task.completed',
  ]);
  expect(reader.screen.text(1)).toBe('Another answer.');
  const fresh = await rig.read(id);
  await within(fresh.ended, () => 'the end of a fresh reader');
  expect(fresh.screen.text(1)).toBe('Another answer.');
});
