import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertInvariants } from './invariants.ts';
import { expectReadToEnd, readByMany } from './many-readers.ts';
import { pausedAnswer, startPaused, untilEnded, untilHeartbeat } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 4;
const READERS_PER_RUN = 50;

describe('kill -9 of the API', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it('X6 with 200 readers: all are back at the next one, and nothing is lost or doubled', async () => {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
    const runs = await startPaused(service, scripts);
    const readers = await Promise.all(
      runs.map((run, n) =>
        readByMany(service.client, run, { said: scripts[n]!.said, readers: READERS_PER_RUN }),
      ),
    );
    await untilHeartbeat(service, runs);
    expect(await service.api.stop('SIGKILL')).toBeNull();
    await service.api.start();
    for (const { pause } of scripts) pause.open();
    await untilEnded(runs);
    for (const [n, run] of runs.entries()) await expectReadToEnd(run, readers[n]!);
    await assertInvariants(service, runs);
  });
});
