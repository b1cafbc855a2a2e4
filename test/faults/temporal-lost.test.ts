import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertInvariants } from './invariants.ts';
import { callsOf, cancelRun, pausedAnswer, startPaused, untilEnded, type Run } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 6;
/** How long Temporal is silent, in milliseconds: as X4.2 says. */
const SILENT_MS = 30_000;

describe('Temporal is lost while runs stream', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  /** Some complete, and every third is cancelled while Temporal is away. */
  async function survives(fault: (meanwhile: () => Promise<void>) => Promise<void>): Promise<void> {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
    const runs = await startPaused(service, scripts);
    for (const run of runs) {
      expect((await callsOf(service, run)).at(-1)).not.toHaveProperty('closedAt');
    }
    await fault(async () => {
      for (const run of runs.filter(isCancelled)) {
        expect((await cancelRun(service, run, 0)).outcome).toBe('cancelling');
      }
    });
    for (const { pause } of scripts) pause.open();
    await untilEnded(runs);
    for (const run of runs) {
      const { failure } = await service.client.get(run.taskId);
      expect(failure?.code ?? null).toBe(isCancelled(run) ? 'cancelled' : null);
    }
    await assertInvariants(service, runs);

    function isCancelled(run: Run): boolean {
      return runs.indexOf(run) % 3 === 0;
    }
  }

  it('X4.1 restarted: the runs go on, and a cancel of that time is carried out', () =>
    survives(async (meanwhile) => {
      await service.temporalProxy.down();
      await meanwhile();
      await service.restartTemporal();
      await service.temporalProxy.up();
    }));

  it('X4.2 black-holed for 30 s: the runs go on, and a cancel of that time is carried out', () =>
    survives(async (meanwhile) => {
      service.temporalProxy.freeze();
      await Promise.all([meanwhile(), sleep(SILENT_MS)]);
      service.temporalProxy.thaw();
    }));
});
