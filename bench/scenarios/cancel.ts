import { setTimeout as sleep } from 'node:timers/promises';
import { createLatencies } from '../latencies.ts';
import type { ModelReports } from '../model/start-model.ts';
import { observe, type Observation } from '../observe-run.ts';
import { newSpec, type Scenario, type Scene, type Size } from '../scenario.ts';
import { isHoldfast } from '../systems/holdfast.ts';

/** The model has said nothing for so long when a silent run is cancelled. */
const SILENCE_MS = 300;
/** What has not ended by then does not end by the cancel. */
const LONGEST_MS = 10_000;
const POLL_MS = 20;

interface CancelOptions {
  silent: boolean;
  /** `other`: the times are those of a second reader. */
  reader: 'starter' | 'other';
}

/** Runs, one after another, that are cancelled when their reader has `tokens` tokens. */
export function createCancel(options: CancelOptions): Scenario {
  const what = options.silent ? 'in silence' : 'in mid-sentence';
  return {
    title: `A cancel ${what}${options.reader === 'other' ? ', seen by a second reader' : ''}`,
    grows: { size: 'tokenLength', from: 256 },
    async measure(scene) {
      const provider = createLatencies();
      const told = createLatencies();
      const end = createLatencies();
      const outcomes = new Set<string>();
      let brokenOff = 0;
      const runs = scene.size.runs ?? 20;
      for (let count = 0; count < runs; count += 1) {
        const cancelled = await cancelOne(scene, options);
        const { askedAt, providerClosedAt, observation } = cancelled;
        if (providerClosedAt !== null) provider.add(providerClosedAt - askedAt);
        if (observation.toldAt !== null) told.add(observation.toldAt - askedAt);
        if (observation.problem !== null) brokenOff += 1;
        end.add(observation.endedAt - askedAt);
        outcomes.add(cancelled.outcome);
      }
      return {
        providerClosedP50Ms: provider.percentile(50),
        providerClosedP95Ms: provider.percentile(95),
        providerNotClosed: runs - provider.count,
        toldP50Ms: told.percentile(50),
        toldP95Ms: told.percentile(95),
        // Other systems' streams only end.
        notTold: isHoldfast(scene.system) ? runs - told.count : null,
        brokenOff,
        streamEndP50Ms: end.percentile(50),
        streamEndP95Ms: end.percentile(95),
        outcome: [...outcomes].join('; '),
      };
    },
  };
}

async function cancelOne({ system, model, size }: Scene, { silent, reader }: CancelOptions) {
  if (!system.cancel) throw new Error('there is no cancel');
  const spec = cancelSpec(size, silent);
  const signal = AbortSignal.timeout(LONGEST_MS + 2 * spec.tokens * spec.intervalMs);
  const startedAt = process.hrtime.bigint();
  const run = await system.start(spec, signal);
  const enough = Promise.withResolvers<void>();
  const onChunk = (_: unknown, { transcript }: Observation) => {
    if (transcript.tokens.length >= spec.cancelAt) enough.resolve();
  };
  const chunks = reader === 'other' ? system.read(run.runId, { signal }) : run.chunks;
  const reading = observe(chunks, { startedAt, onChunk });
  await Promise.race([enough.promise, reading]);
  // Not in step with the tokens.
  await sleep(silent ? SILENCE_MS : Math.random() * spec.intervalMs);
  const askedAt = process.hrtime.bigint();
  await system.cancel(run.runId);
  const observation = await reading;
  const { status, text } = await system.record(run.runId);
  return {
    askedAt,
    observation,
    providerClosedAt: await providerClosed(model, spec.key),
    outcome: `${status}, ${describeKept(text, observation.text)}`,
  };
}

/** A run that goes on for much longer than until it is cancelled. */
function cancelSpec(size: Size, silent: boolean) {
  const cancelAt = size.tokens ?? 30;
  const rest = { tokens: cancelAt + 1_000, silentAfter: silent ? cancelAt : 0 };
  return { ...newSpec({ ...size, ...rest }), cancelAt };
}

/** When the model's connection was given up; null where it said all that it had to say, or goes on. */
async function providerClosed(model: ModelReports, key: string): Promise<bigint | null> {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    const call = (await model.calls(key)).at(-1);
    if (call?.closedAt) return call.closedBy === 'client' ? BigInt(call.closedAt) : null;
    if (Date.now() > deadline) return null;
    await sleep(POLL_MS);
  }
}

function describeKept(kept: string | null, shown: string): string {
  if (!kept) return 'partial nowhere';
  if (kept === shown) return 'partial as shown';
  return kept.startsWith(shown) ? 'partial, and more than was shown' : 'partial differs';
}
