import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { RELAY_MOODS } from '../support/relays.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import {
  expectCancelled,
  expectOneEnd,
  halfAnswer,
  logOf,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
  untilClosed,
  type StreamingRun,
} from './cancelled-run.ts';

const ANSWER = PARTIAL + REST;

describe.each(RELAY_MOODS)('what an operator does to a run, relay %s', (relay) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ relay });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** The run has completed with one answer, and its reader was shown each text once. */
  async function expectAnswered(
    { id, key, conversation, reader }: StreamingRun,
    calls: number,
  ): Promise<void> {
    await reader.ended;
    expect(await rig.untilEnd(id)).toMatchObject({ status: 'COMPLETED', output: { text: ANSWER } });
    expectOneEnd(await logOf(rig, id), await rig.get(id));
    expect(reader.screen.text(1)).toBe(ANSWER);
    expect((await rig.messages(conversation)).slice(1)).toMatchObject([
      { content: ANSWER, partial: false },
    ]);
    expect(rig.model.calls(key)).toBe(calls);
    await untilClosed(rig, id, 'COMPLETED');
  }

  const modelActivity = async (id: string) => {
    const { raw } = await rig.client.workflow.getHandle(id).describe();
    const found = raw.pendingActivities?.find(
      ({ activityType }) => activityType?.name === 'callModel',
    );
    if (!found) throw new Error(`${id} has no model activity`);
    return found;
  };
  /** What the raw calls on the model activity of a run want to know. */
  const ofModelActivity = async (id: string) => ({
    namespace: 'default',
    execution: { workflowId: id },
    identity: 'an operator',
    id: (await modelActivity(id)).activityId ?? '',
  });
  /** A pause or reset reaches the worker with the answer to a heartbeat: two more, and it has. */
  async function untilHeard(id: string): Promise<void> {
    const beats = new Set<string>();
    await eventually(async () => {
      const { lastHeartbeatTime: at } = await modelActivity(id);
      beats.add(`${String(at?.seconds)}.${at?.nanos}`);
      return beats.size > 2;
    }, 'two more heartbeats');
  }

  /** As the Web UI does; the workflow id then stands for the new run. */
  async function resetToFirstTask(workflowId: string): Promise<void> {
    const { events } = await rig.client.workflow.getHandle(workflowId).fetchHistory();
    const first = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
    await rig.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId },
      reason: 'an operator wants it',
      workflowTaskFinishEventId: first ?? null,
      requestId: randomUUID(),
    });
  }

  it('C10 goes on elsewhere when the worker shuts down, and completes with one text', async () => {
    const begin = gate();
    const run = await streamingRun(rig, [halfAnswer(), halfAnswer(begin)]);
    await rig.stopWorkers();
    expect(await rig.model.closed(run.key, 1)).toBe('client');
    begin.open();
    await rig.startWorker();
    await expectAnswered(run, 2);
    expect(run.reader.frames.map(({ frame }) => frame.type)).toContain('turn.attempt_failed');
  });

  it('C10 C18 goes on elsewhere when the worker shuts down after a pause', async () => {
    const begin = gate();
    const run = await streamingRun(rig, [halfAnswer(), halfAnswer(begin)]);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(run.id));
    await untilHeard(run.id);
    await rig.stopWorkers();
    begin.open();
    await rig.startWorker();
    await expectAnswered(run, 2);
  });

  it.concurrent(
    'C16 takes a cancel from the Web UI like its own, without a requester',
    async () => {
      const { id, key, conversation, reader } = await streamingRun(rig);
      await rig.client.workflow.getHandle(id).cancel();
      await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
      expect(await rig.model.closed(key, 1)).toBe('client');
      const request = (await rig.store.getTask(id))?.cancel_request;
      expect(request).toMatchObject({ by: null, reason: null });
      const receipt = await rig.cancel(id, PATIENT);
      expect(receipt).toMatchObject({
        outcome: 'already_terminal',
        requested_at: request?.at,
        partial_output: PARTIAL,
      });
    },
  );

  it.concurrent('C12 C16 takes it for all that is below the run too', async () => {
    const root = await streamingRun(rig);
    const child = await streamingRun(rig, [halfAnswer()], root);
    const grandchild = await streamingRun(rig, [halfAnswer()], child);
    await rig.client.workflow.getHandle(root.id).cancel();
    for (const { id, key, conversation, reader } of [root, child, grandchild]) {
      await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
      expect(await rig.model.closed(key, 1)).toBe('client');
    }
  });

  it.concurrent('C18 doubles nothing when the model activity is paused and unpaused', async () => {
    const begin = gate();
    const run = await streamingRun(rig, [halfAnswer(begin)]);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(run.id));
    await untilHeard(run.id);
    await rig.client.workflowService.unpauseActivity(await ofModelActivity(run.id));
    begin.open();
    await expectAnswered(run, 1);
  });

  it.concurrent('C18 completes a run whose model activity is paused to its end', async () => {
    const begin = gate();
    const run = await streamingRun(rig, [halfAnswer(begin)]);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(run.id));
    await untilHeard(run.id);
    begin.open();
    await expectAnswered(run, 1);
  });

  it.concurrent(
    'C18 doubles nothing when the model activity is reset, or its options are changed',
    async () => {
      const begin = gate();
      const run = await streamingRun(rig, [halfAnswer(begin)]);
      await rig.client.workflowService.resetActivity(await ofModelActivity(run.id));
      await untilHeard(run.id);
      await rig.client.workflowService.updateActivityOptions({
        ...(await ofModelActivity(run.id)),
        activityOptions: { retryPolicy: { maximumAttempts: 5 } },
        updateMask: { paths: ['retry_policy.maximum_attempts'] },
      });
      await untilHeard(run.id);
      begin.open();
      await expectAnswered(run, 1);
    },
  );

  it.concurrent.each(['pause', 'reset'])('C18 C1 still cancels after a %s', async (act) => {
    const { id, key, conversation, reader } = await streamingRun(rig);
    const request = await ofModelActivity(id);
    if (act === 'pause') await rig.client.workflowService.pauseActivity(request);
    else await rig.client.workflowService.resetActivity(request);
    await untilHeard(id);
    expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
    expect(await rig.model.closed(key, 1)).toBe('client');
    await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
  });

  it.concurrent('C18 C16 still takes a cancel from the Web UI after a pause', async () => {
    const { id, conversation, reader } = await streamingRun(rig);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(id));
    await untilHeard(id);
    await rig.client.workflow.getHandle(id).cancel();
    await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
  });

  it.concurrent(
    'C18 changes nothing when the workflow of an ended task is reset to its first task',
    async () => {
      const { model, key } = rig.script([{ say: ANSWER }]);
      const { id } = await rig.start({ input: 'How?', model });
      const before = await rig.untilStatus(id, 'COMPLETED');
      const log = await logOf(rig, id);
      await untilClosed(rig, id, 'COMPLETED');
      await resetToFirstTask(id);
      await untilClosed(rig, id, 'COMPLETED');
      expect(await rig.get(id)).toEqual(before);
      expect(await logOf(rig, id)).toEqual(log);
      expect(rig.model.calls(key)).toBe(1);
    },
  );
});
