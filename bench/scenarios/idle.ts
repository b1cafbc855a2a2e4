import { setTimeout as sleep } from 'node:timers/promises';
import { connectSlowly, createCrowd } from '../crowd.ts';
import { createLatencies } from '../latencies.ts';
import { observe } from '../observe-run.ts';
import { cpuMs, residentMiB } from '../process-usage.ts';
import { newSpec, type Scenario, type Scene } from '../scenario.ts';
import { isHoldfast } from '../systems/holdfast.ts';

/** Nothing happens for so long while the processor's time is counted. */
const IDLE_MS = 10_000;
/** What was started or connected is left alone for so long before memory is looked at. */
const SETTLE_MS = 2_000;
/** Who was not told of the end by then has lost it. */
const TOLD_WITHIN_MS = 60_000;

/** Runs whose model has fallen silent, and many readers that wait for them: what they hold and what they cost. Then all are cancelled. */
export const idle: Scenario = {
  title: 'Idle runs and readers',
  grows: { size: 'readers', from: 625 },
  async measure({ system, size }) {
    const runs = size.runs ?? 50;
    const readerPids = system.readerPids?.() ?? system.pids();
    const atFirst = await residentMiB(system.pids());
    const runIds = await startSilentRuns({ system, size }, runs);
    await sleep(SETTLE_MS);
    const withRuns = await residentMiB(system.pids());
    const beforeReaders = await residentMiB(readerPids);
    const crowd = createCrowd(system, { runIds, readers: size.readers ?? 5_000 });
    await connectSlowly(crowd);
    await sleep(SETTLE_MS);
    const withReaders = await residentMiB(readerPids);

    const cpuBefore = await cpuMs(readerPids);
    await sleep(IDLE_MS);
    const cpuOfACore = ((await cpuMs(readerPids)) - cpuBefore) / IDLE_MS;

    const told = createLatencies();
    const askedAt = process.hrtime.bigint();
    await Promise.all(runIds.map((runId) => system.cancel?.(runId)));
    const patience = sleep(TOLD_WITHIN_MS, null);
    const ends = await Promise.all(
      crowd.map((reader) => Promise.race([reader.ended().catch(() => null), patience])),
    );
    for (const toldAt of ends) if (toldAt !== null) told.add(toldAt - askedAt);
    return {
      memoryPerRunKiB: ((withRuns - atFirst) * 1_024) / runs,
      memoryPerReaderKiB: ((withReaders - beforeReaders) * 1_024) / crowd.length,
      cpuOfACore,
      // Other systems' streams only end.
      notToldOfTheEnd: isHoldfast(system) ? crowd.length - told.count : null,
      toldOfTheEndP50Ms: told.percentile(50),
      toldOfTheEndP99Ms: told.percentile(99),
    };
  },
};

/** Resolves once each has said what it has to say. */
function startSilentRuns({ system, size }: Pick<Scene, 'system' | 'size'>, runs: number) {
  return Promise.all(
    Array.from({ length: runs }, async () => {
      const spec = newSpec(size, { tokens: 20, silentAfter: 10 });
      const { runId, chunks } = await system.start(spec, new AbortController().signal);
      const said = Promise.withResolvers<void>();
      const ended = observe(chunks, {
        startedAt: 0n,
        onChunk: (_, { transcript }) => {
          if (transcript.tokens.length >= spec.silentAfter) said.resolve();
        },
      });
      const early = await Promise.race([said.promise, ended]);
      if (early)
        throw new Error(`a run ended before it fell silent: ${early.problem ?? 'as complete'}`);
      return runId;
    }),
  );
}
