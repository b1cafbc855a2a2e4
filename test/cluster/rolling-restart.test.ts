import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertInvariants } from '../faults/invariants.ts';
import { callsOf, startRuns, untilEnded, type Run } from '../faults/runs.ts';
import { seeded, seedOfRun, type Seeded } from '../faults/text.ts';
import type { Turn } from '../support/model-server.ts';
import { within } from '../support/within.ts';
import { openClusterService, type ClusterService } from './cluster-service.ts';

const RUNS_PER_RESTART = 6;
/** An answer takes about as long as a restart. */
const PIECES = 100;
const EVERY_MS = 40;

describe('a rolling restart', () => {
  let service: ClusterService;
  beforeAll(async () => {
    service = await openClusterService();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  /** The model says the answer at its pace, at each attempt anew. */
  function slowAnswer(seed: Seeded) {
    const answer = seed.text(60);
    const turn: Turn = [{ say: answer, pieces: PIECES, everyMs: EVERY_MS }];
    return { answer, turns: Array.from({ length: 6 }, () => turn) };
  }

  async function startStreaming(seed: Seeded): Promise<Run[]> {
    const scripts = Array.from({ length: RUNS_PER_RESTART }, () => slowAnswer(seed));
    const runs = await startRuns(service, scripts);
    await Promise.all(
      runs.map(({ key }) => within(service.model.arrived(key, 1), () => 'the model to be called')),
    );
    return runs;
  }

  it('C10 by SIGTERM of every worker and API while runs stream: each completes with one text, and its readers lose nothing', async () => {
    const { workers, apis } = service.cluster;
    const seed = seeded(seedOfRun());
    const runs: Run[] = [];
    for (const part of [workers[0]!, apis[0]!, workers[1]!, apis[1]!]) {
      runs.push(...(await startStreaming(seed)));
      expect(await part.stop('SIGTERM')).toBe(0);
      await part.start();
    }
    await untilEnded(runs);
    for (const { taskId, reader } of runs) {
      expect((await service.client.get(taskId)).status).toBe('COMPLETED');
      for (const event of reader.entries) {
        if (event.type === 'turn.attempt_failed') {
          expect(event.data.reason).toBe('worker_shutdown');
        }
      }
    }
    const calls = await Promise.all(runs.map((run) => callsOf(service, run)));
    const moved = calls.filter(({ length }) => length > 1).length;
    console.log(`${moved} of ${runs.length} runs went on at another worker`);
    expect(moved).toBeGreaterThan(0);
    await assertInvariants(service, runs);
  });
});
