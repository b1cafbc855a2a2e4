import { connectSlowly, createCrowd } from '../crowd.ts';
import { createLatencies } from '../latencies.ts';
import { observe } from '../observe-run.ts';
import { cpuMs, residentMiB } from '../process-usage.ts';
import { readApart } from '../reader-apart.ts';
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
    const apart = readersApart(system, runId);
    const before = await residentMiB(pids);
    await connectSlowly(crowd);

    from = process.hrtime.bigint();
    const cpuBefore = await cpuMs(pids);
    await Promise.all(crowd.map((reader) => reader.ended()));
    const seconds = Number(process.hrtime.bigint() - from) / 1e9;
    const cpuS = ((await cpuMs(pids)) - cpuBefore) / 1_000;
    const memoryMiB = (await residentMiB(pids)) - before;
    const calls = await model.calls(spec.key);
    const faults = crowd.map(({ transcript }) => findFaults(transcript.tokens, spec, calls));
    await starter;
    const apartLatencies = createLatencies();
    for (const { sentAt, receivedAt } of (await apart).flat())
      if (sentAt >= from) apartLatencies.add(receivedAt - sentAt);
    return {
      deltaP50Ms: latencies.percentile(50),
      deltaP99Ms: latencies.percentile(99),
      deltaMaxMs: latencies.max(),
      apartP50Ms: apartLatencies.percentile(50),
      apartP99Ms: apartLatencies.percentile(99),
      framesPerS: latencies.count / seconds,
      lost: faults.reduce((sum, { lost }) => sum + lost, 0),
      doubled: faults.reduce((sum, { doubled }) => sum + doubled, 0),
      cpuOfACore: cpuS / seconds,
      memoryPerReaderKiB: (memoryMiB * 1_024) / crowd.length,
    };
  },
};

const APART = 3;

/** A few readers of Holdfast that do not share the load generator's processor time. */
function readersApart(system: OpenSystem, runId: string) {
  const url = isHoldfast(system) ? system.processes.apiUrls.at(-1) : undefined;
  if (url === undefined) return Promise.resolve([]);
  return Promise.all(Array.from({ length: APART }, () => readApart({ url, runId })));
}
