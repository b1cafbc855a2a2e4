import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate, type Turn } from '../support/model-server.ts';
import { eventually, within } from '../support/within.ts';
import { assertInvariants, readLog } from './invariants.ts';
import { pictureOf } from './picture.ts';
import { hitInFlight, pausedAnswer, startPaused, startRuns, untilEnded, type Run } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun, type Seeded } from './text.ts';

const RUNS = 3;

describe('workflows that Temporal has lost', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it('P2 P3 ends their tasks as orphaned, and touches neither live tasks nor ended ones', async () => {
    const seed = seeded(seedOfRun());
    const ended = await completedRuns(seed);
    const picture = await pictureOf(service, ended);
    // The reconciler takes the oldest first, so it has seen the live ones when it ends the lost ones.
    const { live, goOn, underWay } = await liveRuns(seed);
    const lost = await startPaused(
      service,
      times(() => pausedAnswer(seed)),
    );

    await hitInFlight(service, [...live, ...lost], () => service.worker.stop('SIGTERM'));
    await Promise.all(lost.map(forgetWorkflow));
    await service.worker.start();
    await untilEnded(lost);
    for (const run of lost) await expectOrphaned(run);
    await underWay();
    for (const { taskId } of live) {
      expect(await service.client.get(taskId)).toMatchObject({
        status: 'RUNNING',
        failure: null,
        live: { step: 1 },
      });
    }
    expect(await pictureOf(service, ended)).toEqual(picture);

    goOn();
    await untilEnded(live);
    for (const { taskId } of live) {
      expect((await service.client.get(taskId)).status).toBe('COMPLETED');
    }
    await assertInvariants(service, [...ended, ...live]);
  });

  const times = <T>(make: () => T) => Array.from({ length: RUNS }, make);

  async function completedRuns(seed: Seeded): Promise<Run[]> {
    const runs = await startRuns(
      service,
      times(() => {
        const answer = seed.text(10);
        return { answer, turns: [[{ say: answer, pieces: 3 }]] };
      }),
    );
    await untilEnded(runs);
    await assertInvariants(service, runs);
    return runs;
  }

  /** Runs whose second attempt waits as well. */
  async function liveRuns(seed: Seeded) {
    const scripts = times(() => {
      const script = pausedAnswer(seed, { withTool: false });
      const second = gate();
      const again: Turn = [{ gate: second }, { say: script.answer, pieces: 9 }];
      return { ...script, second, turns: [...script.turns.slice(0, 1), again] };
    });
    const live = await startPaused(service, scripts);
    return {
      live,
      goOn: () => scripts.forEach(({ second }) => second.open()),
      underWay: () =>
        Promise.all(
          scripts.map(({ second }) => within(second.reached, () => 'the second attempt')),
        ),
    };
  }

  async function forgetWorkflow({ taskId: workflowId }: Run): Promise<void> {
    const { workflowService, workflow } = service.operator;
    await workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId },
    });
    const gone = async () => {
      const described = await workflow
        .getHandle(workflowId)
        .describe()
        .catch((error: unknown) => error);
      return described instanceof WorkflowNotFoundError;
    };
    await eventually(gone, `${workflowId} to be gone`);
  }

  async function expectOrphaned({ taskId, conversationId, reader }: Run): Promise<void> {
    expect(await service.client.get(taskId)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'orphaned' },
      partial_output: null,
      log_incomplete: true,
    });
    const log = await readLog(service, taskId);
    expect(log.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'task.accepted'],
      [2, 'task.failed'],
    ]);
    expect(reader.entries.at(-1)).toEqual(log.at(-1));
    const { data } = await service.client.messages(conversationId);
    expect(data.map(({ role }) => role)).toEqual(['user']);
  }
});
