import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertInvariants } from './invariants.ts';
import { hitInFlight, callsOf, pausedAnswer, startPaused, untilEnded } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 6;

describe('SIGTERM to the worker', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const paused = () => {
    const seed = seeded(seedOfRun());
    return Array.from({ length: RUNS }, () => pausedAnswer(seed));
  };

  it('X2 C10 without grace: the steps are cut off, attempted elsewhere, and complete', async () => {
    const runs = await startPaused(service, paused());
    let exitCode: number | null = null;
    await hitInFlight(service, runs, async () => {
      exitCode = await service.worker.stop('SIGTERM');
    });
    expect(exitCode).toBe(0);
    await service.worker.start();
    await untilEnded(runs);
    for (const { taskId, reader } of runs) {
      expect((await service.client.get(taskId)).status).toBe('COMPLETED');
      const failed = reader.entries.filter(({ type }) => type === 'turn.attempt_failed');
      expect(failed).toMatchObject([{ data: { attempt: 1, reason: 'worker_shutdown' } }]);
    }
    await assertInvariants(service, runs);
  });

  it('X2 with grace: the steps come to their end first, in one call each', async () => {
    await service.worker.stop('SIGTERM');
    await service.worker.start({ HOLDFAST_SHUTDOWN_GRACE_MS: '20000' });
    const scripts = paused();
    const runs = await startPaused(service, scripts);
    const before = await Promise.all(runs.map((run) => callsOf(service, run)));
    for (const calls of before) expect(calls.at(-1)).not.toHaveProperty('closedAt');

    const exited = service.worker.stop('SIGTERM');
    for (const { pause } of scripts) pause.open();
    expect(await exited).toBe(0);
    await service.worker.start();
    await untilEnded(runs);
    for (const [n, run] of runs.entries()) {
      const calls = await callsOf(service, run);
      expect(calls).toHaveLength(before[n]!.length);
      expect(calls.map(({ closedBy }) => closedBy)).toEqual(calls.map(() => 'server'));
      expect((await service.client.get(run.taskId)).status).toBe('COMPLETED');
    }
    await assertInvariants(service, runs);
  });
});
