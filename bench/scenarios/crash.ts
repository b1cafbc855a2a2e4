import { setTimeout as sleep } from 'node:timers/promises';
import { describeRecord } from '../describe-record.ts';
import type { ModelSpec } from '../model-spec.ts';
import { createPatience } from '../patience.ts';
import { newSpec, type Figures, type Scenario, type Scene } from '../scenario.ts';
import type { Chunk, OpenSystem } from '../system.ts';
import { createTranscript, findFaults, type Transcript } from '../transcript.ts';

/** A reader that has got nothing new for so long gives up. */
const PATIENCE_MS = 45_000;
const RECONNECT_MS = 100;

/** Runs at once, in the middle of whose last step everything that carries them out is killed by SIGKILL and started again. */
export const crash: Scenario = {
  title: 'kill -9 in mid-stream',
  grows: { size: 'tokens', from: 100 },
  async measure(scene) {
    const { system, size } = scene;
    const killed = Promise.withResolvers<bigint>();
    let crashing: Promise<void> | null = null;
    const kill = () => {
      if (crashing) return;
      killed.resolve(process.hrtime.bigint());
      crashing = system.crash();
      // It is waited for below.
      crashing.catch(() => undefined);
    };
    const runs = await Promise.all(
      Array.from({ length: size.runs ?? 5 }, () => readThroughCrash(scene, kill, killed.promise)),
    );
    await crashing;
    const fresh: Figures[] = [];
    // One after another: a system that lets a reader wait for ever does so for each.
    for (const { runId, faultsOf } of runs) fresh.push(await readFresh(system, runId, faultsOf));
    const records = await Promise.all(runs.map(({ runId }) => describeRecord(system, runId)));
    return {
      runs: runs.length,
      runsNotGoingOn: runs.filter(({ goesOn }) => !goesOn).length,
      nextTextMs: greatest(runs.map(({ nextTextMs }) => nextTextMs)),
      ...total(runs.map(({ faults }) => prefixed('resumed', faults))),
      ...total(fresh),
      record: [...new Set(records)].join('; '),
    };
  },
};

async function readThroughCrash(
  { system, model, size }: Scene,
  kill: () => void,
  killed: Promise<bigint>,
) {
  const spec = newSpec(size, { steps: 2, tokens: 200 });
  const middle = Math.floor(spec.tokens * (spec.steps - 0.5));
  const arrivals: { sentAt: bigint; receivedAt: bigint }[] = [];
  const { runId, transcript } = await readPatiently(system, spec, (seen, chunk) => {
    const { receivedAt } = chunk;
    arrivals.push(...seen.add(chunk).map(({ sentAt }) => ({ sentAt, receivedAt })));
    if (seen.tokens.length >= middle) kill();
  });
  // Where no run came so far, the others would wait for it for ever.
  kill();
  const killedAt = await killed;
  const calls = await model.calls(spec.key);
  // What was on its way when the process died is no sign of a new one.
  const again = calls.find(({ arrivedAt }) => BigInt(arrivedAt) > killedAt);
  const next = arrivals.find(({ sentAt }) => again && sentAt > BigInt(again.arrivedAt));
  const faultsOf = (read: Transcript) => findFaults(read.tokens, spec, calls);
  return {
    runId,
    faultsOf,
    faults: faultsOf(transcript),
    goesOn: calls.some(({ step, closedBy }) => step === spec.steps && closedBy === 'server'),
    nextTextMs: next ? Number(next.receivedAt - killedAt) / 1e6 : null,
  };
}

function greatest(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null);
  return numbers.length > 0 ? Math.max(...numbers) : null;
}

/** Numbers are added up; of texts the first is kept. */
function total(all: readonly Figures[]): Figures {
  const sum: Figures = {};
  for (const figures of all) {
    for (const [name, value] of Object.entries(figures)) {
      const before = sum[name] ?? null;
      if (before === null) sum[name] = value;
      else if (typeof before === 'number' && typeof value === 'number') sum[name] = before + value;
    }
  }
  return sum;
}

type OnChunk = (transcript: Transcript, chunk: Chunk) => void;

/** Reads a run to its end, over as many connections as that takes. */
async function readPatiently(system: OpenSystem, spec: ModelSpec, onChunk: OnChunk) {
  const transcript = createTranscript();
  using patience = createPatience(PATIENCE_MS);
  const run = await system.start(spec, patience.signal);
  let stream = run.chunks;
  let after: string | undefined;
  let quiet = true;
  const take = (chunk: Chunk) => {
    after = chunk.id ?? after;
    if (chunk.text) patience.renew();
    quiet &&= chunk.text === '';
    onChunk(transcript, chunk);
  };
  for (;;) {
    let ended = true;
    quiet = true;
    try {
      for await (const chunk of stream) take(chunk);
    } catch {
      ended = false;
    }
    // A stream may end with its process; behind a run's end there is nothing more.
    if ((ended && quiet) || patience.signal.aborted) break;
    await sleep(RECONNECT_MS);
    const { signal } = patience;
    stream = system.read(run.runId, { signal, ...(after !== undefined && { after }) });
  }
  return { runId: run.runId, transcript };
}

/** A reader that comes when all is over, and was not there before. */
async function readFresh(
  system: OpenSystem,
  runId: string,
  faultsOf: (transcript: Transcript) => ReturnType<typeof findFaults>,
): Promise<Figures> {
  const transcript = createTranscript();
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for await (const chunk of system.read(runId, { signal })) transcript.add(chunk);
  } catch (error) {
    return { freshProblem: String(error) };
  }
  return prefixed('fresh', faultsOf(transcript));
}

function prefixed(prefix: string, faults: ReturnType<typeof findFaults>): Figures {
  return Object.fromEntries(
    Object.entries(faults).map(([name, value]) => [
      `${prefix}${name[0]?.toUpperCase()}${name.slice(1)}`,
      value,
    ]),
  );
}
