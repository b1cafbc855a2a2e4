import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertInvariants } from '../faults/invariants.ts';
import { callsOf, pausedAnswer, startPaused, startRuns, type Run } from '../faults/runs.ts';
import { seeded, seedOfRun } from '../faults/text.ts';
import { within } from '../support/within.ts';
import { clientsOf, openClusterService, type ClusterService } from './cluster-service.ts';

const RUNS = 8;
const CLIENTS = 50;
const REASON = 'the user left';
const PATIENT = { reason: REASON, wait_ms: 20_000 };

let service: ClusterService;
beforeAll(async () => {
  service = await openClusterService();
});
afterAll(() => service[Symbol.asyncDispose]());

/** The run has ended as cancelled, with what it had said, and its model call was cut off. */
async function expectCancelled(run: Run, partial: string | null): Promise<void> {
  await run.reader.ended;
  const task = await service.client.get(run.taskId);
  expect(task).toMatchObject({
    status: 'FAILED',
    failure: { code: 'cancelled', message: expect.stringContaining(REASON) },
    partial_output: partial,
  });
  const ends = run.reader.entries.filter(({ type }) => type === 'task.failed');
  expect(ends).toMatchObject([{ data: { error: expect.stringContaining('cancelled') } }]);
  expect((await callsOf(service, run)).at(-1)).toMatchObject({ closedBy: 'client' });
}

describe('a cancel at the other API', () => {
  it('C1 C2 C3 aborts models that talk, at whichever worker, and keeps what they said', async () => {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
    const runs = await startPaused(service, scripts);
    const clients = clientsOf(service);
    // Each run is read at both, and cancelled at both in turn.
    const receipts = await Promise.all(
      runs.map(({ taskId }, n) => clients[n % 2 ? 'a' : 'b'].cancel(taskId, PATIENT)),
    );
    for (const [n, run] of runs.entries()) {
      run.cancelledAt = Date.now();
      expect(receipts[n]).toMatchObject({ outcome: 'cancelled', status: 'FAILED' });
      await expectCancelled(run, scripts[n]!.said);
    }
    await assertInvariants(service, runs);
  });

  it('C1 C9 aborts models that are silent, and calls none after the receipt', async () => {
    const scripts = Array.from({ length: RUNS }, () => ({
      answer: '',
      turns: [[{ stall: true }] as const],
    }));
    const runs = await startRuns(service, scripts);
    await Promise.all(
      runs.map(({ key }) => within(service.model.arrived(key, 1), () => 'the model to be called')),
    );
    const { a, b } = clientsOf(service);
    await Promise.all(
      runs.map(async (run, n) => {
        const receipt = await (n % 2 ? a : b).cancel(run.taskId, PATIENT);
        run.cancelledAt = Date.now();
        expect(receipt.outcome).toBe('cancelled');
      }),
    );
    for (const run of runs) {
      await expectCancelled(run, null);
      expect(await callsOf(service, run)).toHaveLength(1);
    }
    await assertInvariants(service, runs);
  });

  it('C6.8 by fifty clients at both APIs at once ends once, and tells them all the same', async () => {
    const script = pausedAnswer(seeded(seedOfRun()));
    const [run] = (await startPaused(service, [script])) as [Run];
    const { a, b } = clientsOf(service);
    const receipts = await Promise.all(
      Array.from({ length: CLIENTS }, (_, n) => (n % 2 ? a : b).cancel(run.taskId, PATIENT)),
    );
    await expectCancelled(run, script.said);
    const { finished_at } = await service.client.get(run.taskId);
    for (const receipt of receipts) {
      expect(receipt).toMatchObject({
        status: 'FAILED',
        partial_output: script.said,
        stopped_at: finished_at,
        requested_at: receipts[0]?.requested_at,
      });
    }
    await assertInvariants(service, [run]);
  });
});
