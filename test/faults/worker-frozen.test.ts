import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openRelay } from '../../relay/open-relay.ts';
import type { Relay } from '../../relay/relay.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { eventually, within } from '../support/within.ts';
import { assertInvariants } from './invariants.ts';
import { startPaused, untilEnded, type PausedAnswer, type Run } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun, type Seeded } from './text.ts';

const RUNS = 6;

/** Two attempts that both wait within what they say, which differs: a splice of them would show. */
interface TwoAttempts extends PausedAnswer {
  readonly second: { said: string; pause: Gate };
}

function twoAttempts(seed: Seeded): TwoAttempts {
  const [said, lost] = [seed.text(6), seed.text(12)];
  const [saidNext, rest] = [seed.text(8), seed.text(10)];
  const [pause, pauseNext] = [gate(), gate()];
  const zombie: Turn = [{ say: said, pieces: 4 }, { gate: pause }, { say: lost, pieces: 6 }];
  const next: Turn = [{ say: saidNext, pieces: 4 }, { gate: pauseNext }, { say: rest, pieces: 6 }];
  const second = { said: saidNext, pause: pauseNext };
  return { answer: saidNext + rest, turns: [zombie, next], said, pause, second };
}

/** The runs whose first attempt has spoken on the relay from now on. */
async function hearZombies(relay: Relay, runs: readonly Run[]): Promise<ReadonlySet<Run>> {
  const heard = new Set<Run>();
  for (const run of runs)
    await relay.subscribe(run.taskId, (message) => {
      if (message.kind === 'delta' && message.piece.attempt === 1) heard.add(run);
    });
  return heard;
}

describe('SIGSTOP of the worker, past its heartbeat time-out, then SIGCONT', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two' });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const signal = (name: 'SIGSTOP' | 'SIGCONT') => process.kill(service.worker.pid()!, name);

  /** Temporal has given up the attempt that the frozen worker holds. */
  async function untilLost({ taskId }: Run): Promise<void> {
    const isLost = async () => {
      const { raw } = await service.operator.workflow.getHandle(taskId).describe();
      return !raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'callModel');
    };
    await eventually(isLost, 'the heartbeat to run out');
  }

  async function expectSecondAttempts(runs: readonly Run[]): Promise<void> {
    await untilEnded(runs);
    for (const { taskId, reader } of runs) {
      expect((await service.client.get(taskId)).status).toBe('COMPLETED');
      const failed = reader.entries.filter(({ type }) => type === 'turn.attempt_failed');
      expect(failed).toMatchObject([{ data: { attempt: 1, reason: 'worker_lost' } }]);
      expect(reader.entries).toContainEqual(
        expect.objectContaining({
          type: 'turn.final_answer',
          data: expect.objectContaining({ attempt: 2 }),
        }),
      );
    }
    await assertInvariants(service, runs);
  }

  afterEach(() => service.secondWorker?.stop('SIGTERM'));

  it('X3 the runs go on elsewhere; what the zombie says then changes nothing', async (context) => {
    const { database, secondWorker, temporalProxy, temporalAddress } = service;
    if (!database || !secondWorker) return context.skip('PGlite takes one process');
    await using relay = await openRelay({ databaseUrl: database.url });
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => twoAttempts(seed));
    const runs = await startPaused(service, scripts);
    signal('SIGSTOP');
    // Its polls end with its connections. Else Temporal would still hand it tasks, ahead of who could carry them out.
    await temporalProxy.down();
    await temporalProxy.up();
    await secondWorker.start({ TEMPORAL_ADDRESS: temporalAddress });
    await Promise.all(
      runs.map(async ({ reader }, n) => {
        const { said, pause } = scripts[n]!.second;
        await within(pause.reached, () => 'the second attempt to pause');
        await reader.untilText(said);
      }),
    );

    // Half of the zombie's calls speak on when it wakes, if it does not hear first that its attempts are over. The others are
    // silent: it cuts them off.
    const heard = await hearZombies(relay, runs);
    const speaking = runs.filter((_, n) => n % 2);
    for (const [n, { pause }] of scripts.entries()) if (n % 2) pause.open();
    await Promise.all(speaking.map(({ key }) => within(service.model.closed(key, 1), () => key)));
    signal('SIGCONT');
    for (const [n, { key }] of runs.entries()) {
      const closedBy = await within(service.model.closed(key, 1), () => 'the call to be closed');
      expect(closedBy).toBe(n % 2 ? 'server' : 'client');
    }
    console.log(`${heard.size} of ${speaking.length} attempts spoke once they were over`);
    for (const [n, { reader }] of runs.entries())
      expect(reader.transcript.text()).toBe(scripts[n]!.second.said);
    for (const { second } of scripts) second.pause.open();
    await expectSecondAttempts(runs);
  });

  it('X3 with nobody else there, the worker that wakes attempts the steps again', async () => {
    const seed = seeded(seedOfRun());
    const scripts = Array.from({ length: RUNS }, () => twoAttempts(seed));
    const runs = await startPaused(service, scripts);
    signal('SIGSTOP');
    await Promise.all(runs.map(untilLost));
    for (const [n, { pause }] of scripts.entries()) if (n % 2) pause.open();
    signal('SIGCONT');
    for (const { second } of scripts) {
      await within(second.pause.reached, () => 'the second attempt to pause');
      second.pause.open();
    }
    await expectSecondAttempts(runs);
  });
});
