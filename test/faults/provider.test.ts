import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../contract/events.ts';
import type { Turn } from '../support/model-server.ts';
import { assertInvariants } from './invariants.ts';
import { callsOf, startRuns, untilEnded, type Run } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 6;
const MAX_ATTEMPTS = 3;

describe('a provider that fails', () => {
  let service: Service;
  beforeAll(async () => {
    const settings = { HOLDFAST_MODEL_IDLE_TIMEOUT_MS: '500' };
    service = await openService({ processes: 'two', settings });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  /** Runs whose first call ends as `fault` says after the first part of the answer, and whose second one says it all. */
  async function recover(fault: (spoken: string) => Turn): Promise<Run[]> {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => {
      const [first, second] = [seed.text(6), seed.text(6)];
      const answer = first + second;
      return { answer, turns: [fault(first), [{ say: answer, pieces: 7 }]] };
    });
    const runs = await startRuns(service, scripts);
    await untilEnded(runs);
    for (const run of runs) {
      expect((await service.client.get(run.taskId)).status).toBe('COMPLETED');
      expect(await callsOf(service, run)).toHaveLength(2);
    }
    await assertInvariants(service, runs);
    return runs;
  }
  const failuresOf = ({ reader }: Run) =>
    reader.entries.filter(
      (event): event is LogEvent & { type: 'turn.attempt_failed' } =>
        event.type === 'turn.attempt_failed',
    );
  const firstSaid = (spoken: string) => ({ say: spoken, pieces: 3 });

  it('X7.1 429 with Retry-After: the run waits as it was told, goes on and completes', async () => {
    const runs = await recover(() => [{ status: 429, retryAfter: '1' }]);
    for (const run of runs) {
      expect(failuresOf(run)).toMatchObject([{ data: { blocks: [], retry_in_ms: 1_000 } }]);
    }
  });

  it('X7.2 500: the run goes on and completes', async () => {
    const runs = await recover(() => [{ status: 500 }]);
    for (const run of runs) expect(failuresOf(run)).toMatchObject([{ data: { blocks: [] } }]);
  });

  it('X7.3 cut in mid-stream: what was said is withdrawn, and the run completes', async () => {
    const runs = await recover((spoken) => [firstSaid(spoken), { cut: true }]);
    await expectWithdrawn(runs);
  });

  it('X7.4 stalled: the call is given up, and the run completes', async () => {
    const runs = await recover((spoken) => [firstSaid(spoken), { stall: true }]);
    await expectWithdrawn(runs);
    for (const run of runs) expect((await callsOf(service, run))[0]?.closedBy).toBe('client');
  });

  it('X7.5 a malformed chunk: the run goes on and completes', async () => {
    const malformed = '{"choices": [{"delta": ';
    const runs = await recover((spoken) => [firstSaid(spoken), { malformed }]);
    await expectWithdrawn(runs);
  });

  /** The log keeps what the failed attempt had said; the answer is the second attempt's alone. */
  async function expectWithdrawn(runs: readonly Run[]): Promise<void> {
    for (const run of runs) {
      const [call] = await callsOf(service, run);
      const blocks = [{ kind: 'text', text: call?.sent }];
      expect(failuresOf(run)).toMatchObject([{ data: { step: 1, attempt: 1, blocks } }]);
      expect(run.reader.transcript.steps.get(1)?.attempt).toBe(2);
    }
  }

  it('X7.3 R2 one that never recovers: FAILED with model_error, and the partial is kept', async () => {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => {
      const answer = seed.text(12);
      const said = seed.below(answer.length - 2) + 1;
      const spoken = answer.slice(0, said).replace(/[\uD800-\uDBFF]$/, '');
      const turn: Turn = [{ say: spoken, pieces: 2 }, { cut: true }];
      return { answer, spoken, turns: Array.from({ length: MAX_ATTEMPTS }, () => turn) };
    });
    const runs = await startRuns(service, scripts);
    await untilEnded(runs);
    for (const [n, run] of runs.entries()) {
      expect(await callsOf(service, run)).toHaveLength(MAX_ATTEMPTS);
      expect(await service.client.get(run.taskId)).toMatchObject({
        status: 'FAILED',
        failure: { code: 'model_error' },
        partial_output: scripts[n]?.spoken,
      });
    }
    await assertInvariants(service, runs);
  });
});
