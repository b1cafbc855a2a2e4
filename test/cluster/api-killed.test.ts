import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import { assertInvariants } from '../faults/invariants.ts';
import { expectReadToEnd, readByMany } from '../faults/many-readers.ts';
import { pausedAnswer, startPaused, untilEnded } from '../faults/runs.ts';
import { seeded, seedOfRun } from '../faults/text.ts';
import { freshFetch } from '../support/fresh-fetch.ts';
import { openClusterService, type ClusterService } from './cluster-service.ts';

const RUNS = 4;
const READERS_PER_RUN = 50;
const READERS = RUNS * READERS_PER_RUN;

describe('kill -9 of one of two APIs', () => {
  let service: ClusterService;
  beforeAll(async () => {
    service = await openClusterService();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  /** A client of the balancer that counts its connections. */
  function countingClient() {
    let connections = 0;
    const client = createHoldfastClient({
      baseUrl: service.url,
      fetch(input, init) {
        connections += 1;
        return freshFetch(input, init);
      },
    });
    return { client, connections: () => connections };
  }

  it('X6 with 200 readers: all are back at the other, and nothing is lost or doubled', async () => {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
    const runs = await startPaused(service, scripts);
    const { client, connections } = countingClient();
    const readers = await Promise.all(
      runs.map((run, n) =>
        readByMany(client, run, { said: scripts[n]!.said, readers: READERS_PER_RUN }),
      ),
    );
    expect(connections()).toBe(READERS);

    const [killed] = service.cluster.apis;
    expect(await killed?.stop('SIGKILL')).toBeNull();
    for (const { pause } of scripts) pause.open();
    await untilEnded(runs);
    for (const [n, run] of runs.entries()) await expectReadToEnd(run, readers[n]!);
    const moved = connections() - READERS;
    console.log(`${moved} of ${READERS} readers had to move`);
    expect(moved).toBeGreaterThan(READERS / 4);
    await assertInvariants(service, runs);
  });
});
