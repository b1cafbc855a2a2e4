import { createLatencies } from '../latencies.ts';
import { observeRun } from '../observe-run.ts';
import { watchUsage } from '../process-usage.ts';
import { newSpec, type Scenario } from '../scenario.ts';
import { findFaults } from '../transcript.ts';

/** Runs that are all started at once, each read by the one who started it: how long tokens take, and how long all of it takes. */
export const delta: Scenario = {
  title: 'runs at once: tokens from the model to the reader',
  async measure({ system, model, size }) {
    const specs = Array.from({ length: size.runs ?? 1 }, () => newSpec(size));
    const latencies = createLatencies();
    const usage = await watchUsage(system.pids);
    const startedAt = process.hrtime.bigint();
    const runs = await Promise.all(specs.map((spec) => observeRun(system, spec, { latencies })));
    const wallNs = process.hrtime.bigint() - startedAt;
    const { maxMiB, cpuMs } = await usage.stop();

    const calls = await Promise.all(specs.map(({ key }) => model.calls(key)));
    const faults = runs.map(({ spec, transcript }, index) =>
      findFaults(transcript.tokens, spec, calls[index] ?? []),
    );
    const total = (count: (index: number) => number) =>
      runs.reduce((sum, _, index) => sum + count(index), 0);
    const [first] = specs;
    return {
      deltaP50Ms: latencies.percentile(50),
      deltaP99Ms: latencies.percentile(99),
      deltaMaxMs: latencies.max(),
      wallS: Number(wallNs) / 1e9,
      idealS: first ? (first.steps * first.tokens * first.intervalMs) / 1_000 : null,
      lost: total((index) => faults[index]?.lost ?? 0),
      doubled: total((index) => faults[index]?.doubled ?? 0),
      bytesPerRun: total((index) => runs[index]?.bytes ?? 0) / runs.length,
      memoryMaxMiB: maxMiB,
      cpuS: cpuMs / 1_000,
      modelLateMaxMs: Math.max(...calls.flat().map(({ lateMs }) => lateMs)),
    };
  },
};
