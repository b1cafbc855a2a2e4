import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../support/within.ts';
import { assertInvariants } from './invariants.ts';
import {
  callsOf,
  cancelRun,
  hitInFlight,
  pausedAnswer,
  startPaused,
  startRuns,
  toolTurn,
  untilEnded,
  untilHeartbeat,
} from './runs.ts';
import { gate } from '../support/model-server.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 8;
const many = <T>(make: () => T) => Array.from({ length: RUNS }, make);

describe('kill -9 of the worker', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it('X1 while steps stream: the runs go on elsewhere, and nothing is doubled or lost', async () => {
    const seed = seeded(seedOfRun());
    const runs = await startPaused(
      service,
      many(() => pausedAnswer(seed)),
    );
    await hitInFlight(service, runs, () => service.worker.stop('SIGKILL'));
    await service.worker.start();
    await untilEnded(runs);
    for (const run of runs) {
      expect((await service.client.get(run.taskId)).status).toBe('COMPLETED');
      expect(run.reader.entries).toContainEqual(
        expect.objectContaining({
          type: 'turn.attempt_failed',
          data: expect.objectContaining({ reason: 'worker_lost' }),
        }),
      );
    }
    await assertInvariants(service, runs);
  });

  it('X1 between steps: the run goes on from its log', async () => {
    const seed = seeded(seedOfRun());
    const together = gate();
    const scripts = many(() => {
      const answer = seed.text(10);
      const [say, ...call] = toolTurn(seed);
      const whole = [{ say: answer, pieces: 5 }];
      return { answer, turns: [[say!, { gate: together }, ...call], whole, whole, whole] };
    });
    const runs = await startRuns(service, scripts);
    await Promise.all(runs.map(({ key }) => within(service.model.arrived(key, 1), () => key)));
    together.open();
    await Promise.all(runs.map(({ key }) => within(service.model.closed(key, 1), () => key)));
    await service.worker.stop('SIGKILL');

    const calls = await Promise.all(runs.map((run) => callsOf(service, run)));
    const between = calls.filter((of) => of.length === 1 && of[0]?.closedBy === 'server').length;
    console.log(`${between} of ${RUNS} runs were between steps`);
    expect(between).toBeGreaterThan(0);
    await service.worker.start();
    await untilEnded(runs);
    for (const { taskId } of runs) {
      expect((await service.client.get(taskId)).status).toBe('COMPLETED');
    }
    await assertInvariants(service, runs);
  });

  it('C18 X1 while an operator has paused the step: a cancel still ends it, with its partial', async () => {
    const script = pausedAnswer(seeded(seedOfRun()));
    const [run] = await startPaused(service, [script]);
    await untilHeartbeat(service, [run!]);
    await service.operator.workflowService.pauseActivity({
      namespace: 'default',
      execution: { workflowId: run!.taskId },
      type: 'callModel',
    });
    await service.worker.stop('SIGKILL');
    await service.worker.start();
    await cancelRun(service, run!, 0);
    await untilEnded([run!]);
    const task = await service.client.get(run!.taskId);
    expect(task.failure?.code).toBe('cancelled');
    expect(task.partial_output).toBe(script.said);
    await assertInvariants(service, [run!]);
  });

  it('X1 in clean-up: an accepted cancel ends as cancelled, with its partial', async () => {
    const seed = seeded(seedOfRun());
    const scripts = many(() => pausedAnswer(seed));
    const runs = await startPaused(service, scripts);
    await untilHeartbeat(service, runs);
    await Promise.all(runs.map((run) => cancelRun(service, run, 0)));
    await Promise.all(
      runs.map(({ key, reader }) => {
        const calls = service.model.calls(key);
        return within(service.model.closed(key, calls), () => reader.transcript.text());
      }),
    );
    await service.worker.stop('SIGKILL');

    const open = await Promise.all(
      runs.map(({ taskId }) => service.operator.workflow.getHandle(taskId).describe()),
    );
    const inCleanUp = open.filter(({ status }) => status.name === 'RUNNING').length;
    console.log(`${inCleanUp} of ${RUNS} runs were in clean-up`);
    expect(inCleanUp).toBeGreaterThan(0);
    await service.worker.start();
    await untilEnded(runs);
    for (const [n, run] of runs.entries()) {
      const task = await service.client.get(run.taskId);
      expect(task.failure?.code).toBe('cancelled');
      expect(task.partial_output).toBe(scripts[n]!.said);
    }
    await assertInvariants(service, runs);
  });
});
