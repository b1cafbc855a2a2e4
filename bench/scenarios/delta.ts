import { createLatencies } from '../latencies.ts';
import type { ModelCall } from '../model/call-log.ts';
import type { ModelSpec } from '../model-spec.ts';
import {
  observe,
  observeRun,
  observeWhole,
  type Observation,
  type ObserveOptions,
  type WholeObservation,
} from '../observe-run.ts';
import { machineCpuMs, watchUsage } from '../process-usage.ts';
import { newSpec, type Figures, type Scenario, type Scene } from '../scenario.ts';
import type { OpenSystem } from '../system.ts';
import type { ReadToken } from '../token.ts';
import { findFaults } from '../transcript.ts';

/**
 * Runs that are all started at once: how long tokens take to their reader, and how long all of it takes. The reader is the one
 * who started the run, or another one that comes at once.
 */
export function createDelta(reader: 'starter' | 'other'): Scenario {
  const who = reader === 'starter' ? 'the one who started it' : 'another one';
  return {
    title: `Runs at once, each read by ${who}`,
    grows: { size: 'runs', from: 25 },
    measure: (scene) => measureDelta(scene, reader === 'starter' ? observeRun : observeByOther),
  };
}

async function measureDelta(
  { system, model, size }: Scene,
  observeOne: typeof observeRun,
): Promise<Figures> {
  const specs = Array.from({ length: size.runs ?? 1 }, () => newSpec(size, { steps: 2 }));
  const latencies = createLatencies();
  const behindIdeal = createLatencies();
  const usage = await watchUsage(system.pids);
  const machineBefore = await machineCpuMs();
  const startedAt = process.hrtime.bigint();
  const observeIt = (spec: ModelSpec) =>
    observeOne(system, spec, {
      onToken(token, receivedAt) {
        latencies.add(receivedAt - token.sentAt);
        behindIdeal.add(receivedAt - startedAt - idealNs(token, spec));
      },
    });
  const runs = await Promise.all(specs.map(observeIt));
  const wallS = Number(process.hrtime.bigint() - startedAt) / 1e9;
  const machineCpuS = ((await machineCpuMs()) - machineBefore) / 1_000;
  const { maxMiB, cpuMs } = await usage.stop();
  const calls = await Promise.all(specs.map(({ key }) => model.calls(key)));
  const firstTexts = createLatencies();
  runs.forEach((run, index) => firstTexts.add(firstTextBeyondModel(run, calls[index] ?? [])));
  return {
    deltaP50Ms: latencies.percentile(50),
    deltaP99Ms: latencies.percentile(99),
    deltaMaxMs: latencies.max(),
    behindIdealP50Ms: behindIdeal.percentile(50),
    behindIdealP99Ms: behindIdeal.percentile(99),
    wallS,
    idealS: Math.max(...specs.map((spec) => spec.steps * spec.tokens * spec.intervalMs)) / 1_000,
    firstTextP50Ms: firstTexts.percentile(50),
    bytesPerRun: runs.reduce((sum, { bytes }) => sum + bytes, 0) / runs.length,
    memoryMaxMiB: maxMiB,
    cpuS: cpuMs === null ? null : cpuMs / 1_000,
    machineCpuS,
    modelLateMaxMs: Math.max(...calls.flat().map(({ lateMs }) => lateMs)),
    ...countFaults(runs, specs, calls),
  };
}

/** When a token would be there, after the start of its run, if nothing but the model took time. */
function idealNs({ step, number }: ReadToken, { tokens, intervalMs }: ModelSpec): bigint {
  return BigInt(((step - 1) * tokens + number + 1) * intervalMs) * 1_000_000n;
}

async function observeByOther(
  system: OpenSystem,
  spec: ModelSpec,
  options: ObserveOptions = {},
): ReturnType<typeof observeRun> {
  const startedAt = process.hrtime.bigint();
  const { signal } = new AbortController();
  const { runId, chunks } = await system.start(spec, signal);
  const starter = observe(chunks, { startedAt });
  const other = await observeWhole(system.read(runId, { signal }), { ...options, startedAt });
  await starter;
  return { runId, ...other };
}

/** From the start to the first text, without the time that the model took for it. */
export function firstTextBeyondModel(
  { firstTextAt, startedAt }: WholeObservation,
  [first]: readonly ModelCall[],
): bigint {
  const waited = firstTextAt - startedAt;
  if (!first?.firstTokenAt) return waited;
  return waited - (BigInt(first.firstTokenAt) - BigInt(first.arrivedAt));
}

function countFaults(
  runs: readonly Observation[],
  specs: readonly ModelSpec[],
  calls: readonly ModelCall[][],
) {
  const faults = specs.map((spec, index) =>
    findFaults(runs[index]?.transcript.tokens ?? [], spec, calls[index] ?? []),
  );
  return {
    lost: faults.reduce((sum, { lost }) => sum + lost, 0),
    doubled: faults.reduce((sum, { doubled }) => sum + doubled, 0),
  };
}
