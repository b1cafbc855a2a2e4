import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/within.ts';
import { assertFamily, assertPicture, pictureOfFamily } from './family-invariants.ts';
import { openFamilies } from './family-states.ts';
import { createHandPicker, WITH_HANDS } from './hands.ts';
import { assertInvariants } from './invariants.ts';
import { pictureOf } from './picture.ts';
import { callsOf, cancelRun, pausedAnswer, startPaused, untilEnded, type Run } from './runs.ts';
import { openService, type OpenServiceOptions, type Service } from './service.ts';
import { seeded, seedOfRun, type Seeded } from './text.ts';

const RUNS = 4;

interface Restart {
  what: string;
  restart(service: Service): Promise<void>;
}

/** API and worker, at once; where one process is both, it alone. */
const everything = (signal: 'SIGKILL' | 'SIGTERM') => async (service: Service) => {
  const parts = [...new Set([service.api, service.worker])];
  await Promise.all(parts.map((part) => part.stop(signal)));
  await Promise.all(parts.map((part) => part.start()));
};

const OF_TEMPORAL: Restart = {
  what: 'Temporal',
  restart: (service) => service.restartTemporal(),
};

const OF_TWO: Restart[] = [
  {
    what: 'the API',
    async restart({ api }) {
      await api.stop('SIGKILL');
      await api.start();
    },
  },
  {
    what: 'the worker',
    async restart({ worker }) {
      await worker.stop('SIGTERM');
      await worker.start();
    },
  },
  { what: 'API and worker', restart: everything('SIGKILL') },
  OF_TEMPORAL,
  { what: 'the store', restart: restartStore },
];

/** Here the store is in the process that is killed. */
const OF_ONE: Restart[] = [
  { what: 'the process, by kill -9', restart: everything('SIGKILL') },
  { what: 'the process, by SIGTERM', restart: everything('SIGTERM') },
  OF_TEMPORAL,
];

async function restartStore(service: Service): Promise<void> {
  const { database, client } = service;
  if (!database) return everything('SIGKILL')(service);
  await database.proxy.down();
  await expect(client.list()).rejects.toMatchObject({ status: 503, code: 'store_unavailable' });
  await database.proxy.up();
  await eventually(() => client.list().catch(() => null), 'the store to be back');
}

/** A completed run, and a cancelled one. */
async function endRuns(service: Service, seed: Seeded): Promise<Run[]> {
  const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
  const runs = await startPaused(service, scripts);
  for (const [n, run] of runs.entries()) {
    if (n % 2) await cancelRun(service, run, 10_000);
    else scripts[n]?.pause.open();
  }
  await untilEnded(runs);
  await assertInvariants(service, runs);
  return runs;
}

function restartsOf(name: string, restarts: Restart[], options: OpenServiceOptions): void {
  describe(name, () => {
    let service: Service;
    let ended: Run[];
    let picture: unknown;
    const pickHand = createHandPicker();
    beforeAll(async () => {
      service = await openService({ ...options, settings: { ...WITH_HANDS, ...options.settings } });
      ended = await endRuns(service, seeded(seedOfRun()));
      picture = await pictureOf(service, ended);
    });
    afterAll(() => service[Symbol.asyncDispose]());

    async function survives(restart: Restart['restart']): Promise<void> {
      const reading = new AbortController();
      onTestFinished(() => reading.abort());
      const seed = seeded(seedOfRun());
      const halted = await openFamilies({ service, seed, pickHand, signal: reading.signal });
      const families = halted.map(({ family }) => family);
      const pictures = await Promise.all(families.map((one) => pictureOfFamily(service, one)));
      const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
      const runs = await startPaused(service, scripts);
      for (const run of runs) {
        expect((await callsOf(service, run)).at(-1)).not.toHaveProperty('closedAt');
      }
      await restart(service);
      expect(await pictureOf(service, ended)).toEqual(picture);
      await Promise.all(families.map((one, n) => assertPicture(service, one, pictures[n]!)));
      for (const { pause } of scripts) pause.open();
      for (const { goOn } of halted) await goOn();
      await untilEnded(runs);
      for (const { taskId } of runs) {
        expect((await service.client.get(taskId)).status).toBe('COMPLETED');
      }
      await Promise.all(halted.map((one) => assertFamily(service, one)));
      await assertInvariants(service, [...ended, ...runs, ...families.map(({ lead }) => lead)]);
    }
    for (const { what, restart } of restarts) {
      it(`P1 survives a restart of ${what}, with runs and families under way`, () =>
        survives(restart));
    }
  });
}

restartsOf('API and worker on PostgreSQL', OF_TWO, { processes: 'two' });
restartsOf('one process with its store', OF_ONE, {
  processes: 'one',
  // Less than a step with a tool has: runs continue as new behind each of them.
  settings: { HOLDFAST_MAX_HISTORY_EVENTS: '16' },
});
