import type { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../contract/wire.ts';
import { newId } from '../../api/ids.ts';
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
  REST,
  streamingRun,
  untilClosed,
  type StreamingRun,
} from './cancelled-run.ts';

type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

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

  const modelActivity = async (id: string): Promise<PendingActivity> => {
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

  it('C16 takes a cancel from the Web UI like its own, without a requester', async () => {
    const { id, key, conversation, reader } = await streamingRun(rig);
    await rig.client.workflow.getHandle(id).cancel();
    await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
    expect(await rig.model.closed(key, 1)).toBe('client');
    expect((await rig.store.getTask(id))?.cancel_request).toBeNull();
    const receipt = await rig.cancel(id);
    expect(receipt).toMatchObject({
      outcome: 'already_terminal',
      requested_at: null,
      partial_output: PARTIAL,
    });
  });

  it('C18 doubles nothing when the model activity is paused and unpaused', async () => {
    const begin = gate();
    const run = await streamingRun(rig, [halfAnswer(begin)]);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(run.id));
    await untilHeard(run.id);
    await rig.client.workflowService.unpauseActivity(await ofModelActivity(run.id));
    begin.open();
    await expectAnswered(run, 1);
  });

  it('C18 completes a run whose model activity is paused to its end', async () => {
    const begin = gate();
    const run = await streamingRun(rig, [halfAnswer(begin)]);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(run.id));
    await untilHeard(run.id);
    begin.open();
    await expectAnswered(run, 1);
  });

  it('C18 doubles nothing when the model activity is reset, or its options are changed', async () => {
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
  });

  it.each(['pause', 'reset'])('C18 C1 still cancels after a %s', async (act) => {
    const { id, key, conversation, reader } = await streamingRun(rig);
    const request = await ofModelActivity(id);
    if (act === 'pause') await rig.client.workflowService.pauseActivity(request);
    else await rig.client.workflowService.resetActivity(request);
    await untilHeard(id);
    expect((await rig.cancel(id, { wait_ms: 20_000 })).outcome).toBe('cancelled');
    expect(await rig.model.closed(key, 1)).toBe('client');
    await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
  });

  it('C18 C16 still takes a cancel from the Web UI after a pause', async () => {
    const { id, conversation, reader } = await streamingRun(rig);
    await rig.client.workflowService.pauseActivity(await ofModelActivity(id));
    await untilHeard(id);
    await rig.client.workflow.getHandle(id).cancel();
    await expectCancelled(rig, id, { partial: PARTIAL, conversation, reader });
  });

  it('C14 answers 404 with the same body for an unknown task and for a foreign one', async () => {
    const id = newId('task');
    const foreign = {
      id,
      owner: 'someone else',
      type: 'agent_run',
      agent: 'default',
      input: 'Mine.',
    } as const;
    const nothing = {
      model: null,
      instructions: null,
      name: null,
      description: null,
      conversation_id: null,
    };
    const limits = { timeout_seconds: null, max_steps: null };
    await rig.store.acceptTask({ ...foreign, ...nothing, parent: null, metadata: {}, limits });
    const refusal = async (taskId: string) => {
      const { status, body } = await rig.request('POST', `/v1/tasks/${taskId}/cancel`, {});
      return { status, error: { ...(body as ErrorBody).error, request_id: '' } };
    };
    const unknown = await refusal(newId('task'));
    expect(unknown).toMatchObject({ status: 404, error: { code: 'task_not_found' } });
    expect(await refusal(id)).toEqual(unknown);
    expect((await rig.store.getTask(id))?.cancel_request).toBeNull();
  });
});
