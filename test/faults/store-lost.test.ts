import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../client/holdfast-error.ts';
import { eventually } from '../support/within.ts';
import type { ProxiedDatabase } from './database.ts';
import { assertInvariants } from './invariants.ts';
import { cancelRun, pausedAnswer, startPaused, startRuns, untilEnded, type Run } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 6;

describe('a store that is lost', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  /** Where the store is within the service's own process, it is lost with that. */
  async function lose(how: (database: ProxiedDatabase) => Promise<void>): Promise<void> {
    if (service.database) return how(service.database);
    await service.api.stop('SIGKILL');
    await service.api.start();
  }

  function script() {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
    return { scripts, goOn: () => scripts.forEach(({ pause }) => pause.open()) };
  }

  /** Every run has tried to store its end, and was told that this has failed. */
  async function untilStuck(runs: readonly Run[]): Promise<void> {
    const isStuck = async ({ taskId }: Run) => {
      const { raw } = await service.operator.workflow.getHandle(taskId).describe();
      return raw.pendingActivities?.some(
        ({ activityType, lastFailure }) => activityType?.name === 'finishTask' && lastFailure,
      );
    };
    await Promise.all(runs.map((run) => eventually(() => isStuck(run), 'an end to fail')));
    console.log(`${runs.length} runs could not store their ends`);
  }

  /** Some complete, and every third was cancelled. */
  async function expectEnds(runs: readonly Run[]): Promise<void> {
    await untilEnded(runs);
    for (const [n, { taskId }] of runs.entries()) {
      const { failure } = await service.client.get(taskId);
      expect(failure?.code ?? null).toBe(n % 3 ? null : 'cancelled');
    }
    await assertInvariants(service, runs);
  }

  const cancelSome = (runs: readonly Run[]) =>
    Promise.allSettled(runs.filter((_, n) => n % 3 === 0).map((run) => cancelRun(service, run, 0)));

  it('X5 M7 refusing while runs end: they end when it is back, and nothing is lost', async () => {
    const { scripts, goOn } = script();
    const runs = await startPaused(service, scripts);
    await cancelSome(runs);
    await lose(async ({ proxy }) => {
      await proxy.down();
      await expect(service.client.list()).rejects.toMatchObject({ code: 'store_unavailable' });
      goOn();
      await untilStuck(runs.filter((_, n) => n % 3));
      await proxy.up();
    });
    goOn();
    await expectEnds(runs);
  });

  it('X5 M7 committing but reporting failure while runs end: each ends once', async () => {
    const { scripts, goOn } = script();
    const runs = await startPaused(service, scripts);
    await lose(async (database) => {
      const denied = database.denyCommits(Infinity);
      for (const cancel of await cancelSome(runs)) {
        expect(cancel).toMatchObject({ reason: { code: 'store_unavailable' } });
      }
      goOn();
      await Promise.all(runs.map(({ taskId }) => untilTerminal(taskId)));
      await untilStuck(runs.slice(0, 1));
      expect(denied()).toBeGreaterThanOrEqual(RUNS);
      database.denyCommits(0);
    });
    if (!service.database) await cancelSome(runs);
    goOn();
    await expectEnds(runs);
  });

  const untilTerminal = (taskId: string) =>
    eventually(async () => (await service.client.get(taskId)).finished_at, `the end of ${taskId}`);

  it('X5 T8 committing but reporting failure while tasks start: each request makes one', async () => {
    const { scripts, goOn } = script();
    goOn();
    const { client } = service;
    const start: typeof client.start = (request, options) =>
      eventually(() => client.start(request, options).catch(unlessPassing), 'a start');
    let runs: Run[] = [];
    await lose(async (database) => {
      const denied = database.denyCommits(RUNS);
      runs = await startRuns({ ...service, client: { ...client, start } }, scripts);
      console.log(`${denied()} commits of starts and others were denied`);
      expect(denied()).toBe(RUNS);
    });
    if (!service.database) runs = await startRuns(service, scripts);
    await untilEnded(runs);
    await assertInvariants(service, runs);
  });
});

/** Nothing yet where asking again may help. */
function unlessPassing(error: unknown): null {
  if (error instanceof HoldfastError && error.passing) return null;
  throw error;
}
