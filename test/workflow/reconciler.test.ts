import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENT_RUN_WORKFLOW, LOCAL_OWNER } from '../../contract/names.ts';
import { startOptions } from '../../contract/start-options.ts';
import type { Store } from '../../store/store.ts';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import {
  acceptOnly,
  expectCancelled,
  expectOneEnd,
  halfAnswer,
  logOf,
  newConversation,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
  untilHeartbeat,
} from './cancelled-run.ts';

/** How often the reconciler has looked at a task's workflow; it looks in every round, to save the tests' time. */
const looks = new Map<string, number>();

function wrapStore(store: Store): Store {
  return {
    ...store,
    async dueChecks(_olderThanMs, limit) {
      const due = await store.dueChecks(0, limit);
      for (const { id } of due) looks.set(id, (looks.get(id) ?? 0) + 1);
      return due;
    },
  };
}

describe('the reconciler', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ wrapStore });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const untilLooked = (id: string, more: number) => {
    const before = looks.get(id) ?? 0;
    return eventually(() => (looks.get(id) ?? 0) >= before + more, `${more} looks at ${id}`);
  };
  const deleteExecution = (workflowId: string) =>
    rig.client.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId },
    });

  it('T13 starts an accepted task that no workflow carries, once', async () => {
    const { model, key } = rig.script([{ say: PARTIAL + REST }]);
    const conversation = newConversation();
    const { id } = await acceptOnly(rig, { model, conversation_id: conversation });
    expect(await rig.untilEnd(id)).toMatchObject({
      status: 'COMPLETED',
      output: { text: PARTIAL + REST },
    });
    expect(rig.model.calls(key)).toBe(1);
    expect(await rig.messages(conversation)).toHaveLength(2);
  });

  it('C11 ends a terminated run as FAILED terminated, with its log and its partial', async () => {
    const { id, key, conversation, reader } = await streamingRun(rig);
    await untilHeartbeat(rig, id);
    const before = await logOf(rig, id);
    await rig.client.workflow.getHandle(id).terminate('an operator wants it');
    const task = await rig.untilEnd(id);
    expect(task).toMatchObject({
      status: 'FAILED',
      failure: { code: 'terminated' },
      partial_output: PARTIAL,
    });
    const log = await logOf(rig, id);
    expectOneEnd(log, task);
    expect(log.slice(0, before.length)).toEqual(before);
    expect(log.at(-2)).toMatchObject({ type: 'turn.interrupted', data: { text: PARTIAL } });
    expect((await rig.messages(conversation)).slice(1)).toMatchObject([
      { content: PARTIAL, partial: true },
    ]);
    await reader.ended;
    expect(reader.screen.text(1)).toBe(PARTIAL);
    expect(await rig.model.closed(key, 1)).toBe('client');
    expect(task.log_incomplete).toBeUndefined();
  });

  it('C11 ends a run that was terminated before it had begun', async () => {
    await rig.stopWorkers();
    const { model, key } = rig.script();
    const task = await acceptOnly(rig, { model });
    await rig.client.workflow.start(AGENT_RUN_WORKFLOW, startOptions(task, rig.taskQueue));
    await rig.client.workflow.getHandle(task.id).terminate();
    await rig.startWorker();
    const ended = await rig.untilEnd(task.id);
    expect(ended).toMatchObject({
      status: 'FAILED',
      failure: { code: 'terminated' },
      started_at: null,
    });
    expectOneEnd(await logOf(rig, task.id), ended);
    expect(rig.model.calls(key)).toBe(0);
  });

  it('P2 ends a run whose workflow does not exist any more as orphaned, and says that its log is incomplete', async () => {
    const { id, key, reader } = await streamingRun(rig);
    const ahead = reader.frames.at(-1)?.id;
    await deleteExecution(id);
    const task = await rig.untilEnd(id);
    expect(task).toMatchObject({
      status: 'FAILED',
      failure: { code: 'orphaned' },
      log_incomplete: true,
    });
    expect(await rig.model.closed(key, 1)).toBe('client');
    await reader.ended;

    const back = await rig.read(id, { cursor: ahead });
    await back.ended;
    expect(back.frames.map(({ frame }) => frame.type)).toEqual(['snapshot', 'task.failed']);
    expect(back.frames[0]?.frame).toMatchObject({
      task: { id, status: 'FAILED', log_incomplete: true },
    });
    expectOneEnd(await logOf(rig, id), task);
  });

  it('P3 leaves a run alone whose workflow is open, however long it takes', async () => {
    const begin = gate();
    const { id, key } = await streamingRun(rig, [halfAnswer(begin)]);
    await untilLooked(id, 2);
    expect(await rig.get(id)).toMatchObject({ status: 'RUNNING', live: { text: PARTIAL } });
    begin.open();
    expect((await rig.untilEnd(id)).status).toBe('COMPLETED');
    expect(rig.model.calls(key)).toBe(1);
  });

  it('P3 changes nothing of an ended task whose workflow is gone', async () => {
    const { model } = rig.script([{ say: PARTIAL }]);
    const { id } = await rig.start({ input: 'How?', model });
    const before = await rig.untilStatus(id, 'COMPLETED');
    const log = await logOf(rig, id);
    await deleteExecution(id);
    const { id: other } = await streamingRun(rig);
    await untilLooked(other, 2);
    expect(await rig.get(id)).toEqual(before);
    expect(await logOf(rig, id)).toEqual(log);
    await rig.cancel(other, PATIENT);
  });

  it('C8 sends a recorded cancel that never reached Temporal', async () => {
    const { id, key, conversation, reader } = await streamingRun(rig);
    const request = { at: new Date().toISOString(), by: null, reason: 'the API died' };
    expect(await rig.store.requestCancel(id, LOCAL_OWNER, request)).toMatchObject({
      kind: 'requested',
    });
    await expectCancelled(rig, id, {
      partial: PARTIAL,
      reason: 'the API died',
      conversation,
      reader,
    });
    expect(await rig.model.closed(key, 1)).toBe('client');
  });
});
