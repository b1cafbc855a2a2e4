import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelSpec } from '../model-spec.ts';
import { createPatience } from '../patience.ts';
import { newSpec, type Figures, type Scenario } from '../scenario.ts';
import type { Chunk, OpenSystem } from '../system.ts';
import { createTranscript, findFaults, type Transcript } from '../transcript.ts';

/** A reader that has got nothing new for so long gives up. */
const PATIENCE_MS = 45_000;
const RECONNECT_MS = 100;

/** A run in the middle of whose last step everything that carries it out is killed by SIGKILL and started again. */
export const crash: Scenario = {
  title: 'kill -9 in mid-stream',
  grows: { size: 'tokens', from: 100 },
  async measure({ system, model, size }) {
    const spec = newSpec(size, { steps: 2, tokens: 200 });
    const middle = Math.floor(spec.tokens * (spec.steps - 0.5));
    let killedAt: bigint | null = null;
    let crashing = Promise.resolve();
    const arrivals: { sentAt: bigint; receivedAt: bigint }[] = [];
    const reader = await readPatiently(system, spec, (transcript, chunk) => {
      const { receivedAt } = chunk;
      arrivals.push(...transcript.add(chunk).map(({ sentAt }) => ({ sentAt, receivedAt })));
      if (killedAt !== null || transcript.tokens.length < middle) return;
      killedAt = process.hrtime.bigint();
      crashing = system.crash();
      // It is waited for below.
      crashing.catch(() => undefined);
    });
    await crashing;
    const calls = await model.calls(spec.key);
    const goesOn = calls.some(({ step, closedBy }) => step === spec.steps && closedBy === 'server');
    // What was on its way when the process died is no sign of a new one.
    const again = calls.find(({ arrivedAt }) => killedAt !== null && BigInt(arrivedAt) > killedAt);
    const next = arrivals.find(({ sentAt }) => again && sentAt > BigInt(again.arrivedAt));
    return {
      runGoesOn: goesOn ? 'yes' : 'no',
      nextTextMs: next && killedAt !== null ? Number(next.receivedAt - killedAt) / 1e6 : null,
      ...prefixed('resumed', findFaults(reader.transcript.tokens, spec, calls)),
      ...(await readFresh(system, reader.runId, (transcript) =>
        findFaults(transcript.tokens, spec, calls),
      )),
      record: await describeRecord(system, reader.runId),
    };
  },
};

async function describeRecord(system: OpenSystem, runId: string): Promise<string> {
  try {
    const { status, text } = await system.record(runId);
    return `${status}, ${text === null ? 'no text' : `${text.length} characters`}`;
  } catch (error) {
    return String(error);
  }
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
