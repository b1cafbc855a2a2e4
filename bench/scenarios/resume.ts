import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../test/support/random.ts';
import { describeRecord } from '../describe-record.ts';
import { createLatencies, type Latencies } from '../latencies.ts';
import type { ModelSpec } from '../model-spec.ts';
import { createPatience, type Patience } from '../patience.ts';
import { newSpec, type Figures, type Scenario } from '../scenario.ts';
import type { Chunk, OpenSystem } from '../system.ts';
import { createTranscript, findFaults } from '../transcript.ts';

/** A dropped reader stays away for so long that there is text to be sent again. */
const AWAY_MS = 110;
const READ_WITHIN_MS = 10_000;
const MOST_CHUNKS_BETWEEN_CUTS = 25;
const random = createRandom(7);

/** One run whose reader is cut off again and again, and goes on behind its last chunk; then the same behind the run's end. */
export const resume: Scenario = {
  title: 'A reader that is cut off at random places and resumes',
  grows: { size: 'tokens', from: 100 },
  async measure({ system, model, size }) {
    const spec = newSpec(size, { steps: 2, tokens: 200 });
    const open = createLatencies();
    const { runId, chunks, cuts, problem } = await readWithCuts(system, spec, open);
    const calls = await model.calls(spec.key);
    const faultsOf = (seen: readonly Chunk[]) => findFaults(assemble(seen), spec, calls);
    const { lost, doubled, misplaced, spliced } = faultsOf(chunks);
    return {
      cuts,
      lost,
      doubled,
      misplaced,
      spliced,
      resumeToTextP50Ms: open.percentile(50),
      resumeToTextP95Ms: open.percentile(95),
      resumeProblem: problem,
      ...(await resumeClosed({ system, runId, chunks, faultsOf })),
      ...(await readAfterRestart(system, runId, faultsOf)),
      recordAfterRestart: await describeRecord(system, runId),
    };
  },
};

/** What a reader has got over all its connections. */
interface Pieces {
  runId: string;
  chunks: Chunk[];
  cuts: number;
  /** What broke a stream off. */
  problem: string | null;
}

async function readWithCuts(
  system: OpenSystem,
  spec: ModelSpec,
  latencies: Latencies,
): Promise<Pieces> {
  // A stream that has nothing more to bring does not end everywhere.
  using patience = createPatience(READ_WITHIN_MS);
  const { signal } = patience;
  const { runId, chunks: first } = await system.start(spec, signal);
  const pieces: Pieces = { runId, chunks: [], cuts: 0, problem: null };
  let stream = first;
  while (await takeSome(stream, pieces, patience)) {
    await sleep(AWAY_MS);
    pieces.cuts += 1;
    const askedAt = process.hrtime.bigint();
    const resumed = system.read(runId, { ...lastId(pieces.chunks), signal });
    stream = timeToText(resumed, askedAt, latencies);
  }
  return pieces;
}

/** Reads a random number of chunks and leaves. False: the stream had ended before. */
async function takeSome(
  stream: AsyncIterable<Chunk>,
  pieces: Pieces,
  patience: Patience,
): Promise<boolean> {
  let left = 1 + Math.floor(random() * MOST_CHUNKS_BETWEEN_CUTS);
  try {
    for await (const chunk of stream) {
      if (chunk.text) patience.renew();
      pieces.chunks.push(chunk);
      left -= 1;
      if (left === 0) return true;
    }
  } catch (error) {
    pieces.problem = String(patience.signal.reason ?? error);
  }
  return false;
}

/** Passes chunks on, and measures how long the first text took. */
async function* timeToText(
  stream: AsyncIterable<Chunk>,
  askedAt: bigint,
  latencies: Latencies,
): AsyncGenerator<Chunk> {
  let waits = true;
  for await (const chunk of stream) {
    if (waits && chunk.text) {
      latencies.add(chunk.receivedAt - askedAt);
      waits = false;
    }
    yield chunk;
  }
}

interface ClosedRun {
  system: OpenSystem;
  runId: string;
  chunks: readonly Chunk[];
  faultsOf(chunks: readonly Chunk[]): { lost: number; doubled: number };
}

const CLOSED_READS = 30;

/** Resumes behind chunks of an ended run. */
async function resumeClosed({ system, runId, chunks, faultsOf }: ClosedRun): Promise<Figures> {
  const latencies = createLatencies();
  let lost = 0;
  let doubled = 0;
  const resumable = chunks.flatMap(({ id }, index) => (id === null ? [] : [index]));
  try {
    for (let count = 0; count < CLOSED_READS; count += 1) {
      const cut = resumable[Math.floor((random() * resumable.length) / 2)] ?? 0;
      const seen = chunks.slice(0, cut + 1);
      const rest = await readAll(system, runId, { ...lastId(seen), latencies });
      const faults = faultsOf([...seen, ...rest]);
      lost += faults.lost;
      doubled += faults.doubled;
    }
  } catch (error) {
    return { closedProblem: String(error) };
  }
  return {
    closedLost: lost,
    closedDoubled: doubled,
    closedToTextP50Ms: latencies.percentile(50),
    closedToTextP95Ms: latencies.percentile(95),
  };
}

/** Whether an ended run can still be read when the processes that carried it out are others. */
async function readAfterRestart(
  system: OpenSystem,
  runId: string,
  faultsOf: ClosedRun['faultsOf'],
): Promise<Figures> {
  try {
    await system.crash();
    const { lost } = faultsOf(await readAll(system, runId, {}));
    return { readAfterRestart: lost === 0 ? 'whole' : `${lost} lost` };
  } catch (error) {
    return { readAfterRestart: String(error) };
  }
}

async function readAll(
  system: OpenSystem,
  runId: string,
  { latencies = createLatencies(), ...from }: { after?: string; latencies?: Latencies },
): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const signal = AbortSignal.timeout(READ_WITHIN_MS);
  const askedAt = process.hrtime.bigint();
  const stream = system.read(runId, { ...from, signal });
  for await (const chunk of timeToText(stream, askedAt, latencies)) chunks.push(chunk);
  return chunks;
}

function lastId(chunks: readonly Chunk[]): { after?: string } {
  const after = chunks.findLast(({ id }) => id !== null)?.id;
  return after ? { after } : {};
}

function assemble(chunks: readonly Chunk[]) {
  const transcript = createTranscript();
  for (const chunk of chunks) transcript.add(chunk);
  return transcript.tokens;
}
