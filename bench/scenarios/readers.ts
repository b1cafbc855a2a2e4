import { connectSlowly, createCrowd } from '../crowd.ts';
import { createLatencies, type Latencies } from '../latencies.ts';
import type { ModelSpec } from '../model-spec.ts';
import { observe } from '../observe-run.ts';
import { cpuMs, residentMiB } from '../process-usage.ts';
import { readApart, type Arrival } from '../reader-apart.ts';
import { newSpec, type Scenario } from '../scenario.ts';
import type { OpenSystem } from '../system.ts';
import { isHoldfast } from '../systems/holdfast.ts';
import { findFaults } from '../transcript.ts';

/** Many readers of one run, on one API process. Only tokens that are said once all of them are there count as live. */
export const readers: Scenario = {
  title: 'Many readers of one run',
  grows: { size: 'readers', from: 250 },
  async measure({ system, model, size }) {
    const spec = newSpec(size, { tokens: 150, intervalMs: 200 });
    const startedAt = process.hrtime.bigint();
    const { runId, chunks } = await system.start(spec, new AbortController().signal);
    const starter = observe(chunks, { startedAt });
    const latencies = createLatencies();
    let from = startedAt;
    const crowd = createCrowd(system, {
      runIds: [runId],
      readers: size.readers ?? 1_000,
      live: { latencies, from: () => from },
    });
    const pids = system.readerPids?.() ?? system.pids();
    const before = await residentMiB(pids);
    // The first of the readers, one in the middle of them, and the last.
    const apart = [readApartOf(system, runId)];
    await connectSlowly(crowd.slice(0, crowd.length / 2));
    apart.push(readApartOf(system, runId));
    await connectSlowly(crowd.slice(crowd.length / 2));
    apart.push(readApartOf(system, runId));

    from = process.hrtime.bigint();
    const cpuBefore = await cpuMs(pids);
    await Promise.all(crowd.map((reader) => reader.ended()));
    const seconds = Number(process.hrtime.bigint() - from) / 1e9;
    const cpuS = ((await cpuMs(pids)) - cpuBefore) / 1_000;
    const memoryMiB = (await residentMiB(pids)) - before;
    const calls = await model.calls(spec.key);
    const faults = crowd.map(({ transcript }) => findFaults(transcript.tokens, spec, calls));
    await starter;
    const arrivals = await Promise.all(apart);
    const latenciesOfEach = arrivals.flatMap((some) => (some ? [latenciesFrom(some, from)] : []));
    return {
      deltaP50Ms: latencies.percentile(50),
      deltaP99Ms: latencies.percentile(99),
      deltaMaxMs: latencies.max(),
      apartP50Ms: worst(latenciesOfEach, 50),
      apartP99Ms: worst(latenciesOfEach, 99),
      apartLost: latenciesOfEach.length > 0 ? countLost(arrivals, spec) : null,
      framesPerS: latencies.count / seconds,
      lost: faults.reduce((sum, { lost }) => sum + lost, 0),
      doubled: faults.reduce((sum, { doubled }) => sum + doubled, 0),
      cpuOfACore: cpuS / seconds,
      memoryPerReaderKiB: (memoryMiB * 1_024) / crowd.length,
    };
  },
};

/** A reader of Holdfast that does not share the load generator's processor time; null of other systems. */
function readApartOf(system: OpenSystem, runId: string): Promise<Arrival[] | null> {
  const url = isHoldfast(system) ? system.processes.apiUrls.at(-1) : undefined;
  return url === undefined ? Promise.resolve(null) : readApart({ url, runId });
}

function latenciesFrom(arrivals: readonly Arrival[], from: bigint): Latencies {
  const latencies = createLatencies();
  for (const { sentAt, receivedAt } of arrivals)
    if (sentAt >= from) latencies.add(receivedAt - sentAt);
  return latencies;
}

/** Of the reader for whom it is the highest. */
function worst(readers: readonly Latencies[], percent: number): number | null {
  const values = readers.map((latencies) => latencies.percentile(percent));
  return values.includes(null) || values.length === 0 ? null : Math.max(...values.map(Number));
}

function countLost(arrivals: readonly (Arrival[] | null)[], { steps, tokens }: ModelSpec): number {
  return arrivals.reduce((sum, some) => sum + steps * tokens - (some?.length ?? 0), 0);
}
