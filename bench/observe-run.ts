import type { ModelSpec } from './model-spec.ts';
import type { Chunk, OpenSystem, StartedRun } from './system.ts';
import type { ReadToken } from './token.ts';
import { createTranscript, type Transcript } from './transcript.ts';

/** What a reader saw of a run. Times are `process.hrtime.bigint()`. */
export interface Observation {
  transcript: Transcript;
  /** All text, as a reader puts it together in a run of one step. */
  text: string;
  /** When the run was asked for, or the reading began. */
  startedAt: bigint;
  firstTextAt: bigint | null;
  /** When its end was told; null: it was not. */
  toldAt: bigint | null;
  /** When the stream had ended. */
  endedAt: bigint;
  bytes: number;
  /** What broke the stream off. */
  problem: string | null;
}

export type WholeObservation = Observation & { firstTextAt: bigint };

export interface ObserveOptions {
  signal?: AbortSignal;
  /** Called for each token when it is there for the first time. */
  onToken?: (token: ReadToken, receivedAt: bigint) => void;
  /** Called behind each chunk. */
  onChunk?: (chunk: Chunk, observation: Observation) => void;
}

/** Starts a run and reads it to its end. Throws where the stream breaks off, or ends without text. */
export async function observeRun(
  system: OpenSystem,
  spec: ModelSpec,
  options: ObserveOptions = {},
): Promise<WholeObservation & { runId: string }> {
  const { signal = new AbortController().signal } = options;
  const startedAt = process.hrtime.bigint();
  const { runId, chunks } = await system.start(spec, signal);
  return { runId, ...(await observeWhole(chunks, { ...options, startedAt })) };
}

/** Reads to the end of a run's stream. Throws where it breaks off, or ends without text. */
export async function observeWhole(
  chunks: StartedRun['chunks'],
  options: ObserveOptions & { startedAt: bigint },
): Promise<WholeObservation> {
  const observation = await observe(chunks, options);
  const { problem, firstTextAt } = observation;
  if (problem !== null) throw new Error(problem);
  if (firstTextAt === null) throw new Error('the stream ended without text');
  return { ...observation, firstTextAt };
}

/** Reads to the end of the stream, whatever it is. */
export async function observe(
  chunks: StartedRun['chunks'],
  { onToken, onChunk, startedAt }: ObserveOptions & { startedAt: bigint },
): Promise<Observation> {
  const observation: Observation = {
    transcript: createTranscript(),
    text: '',
    startedAt,
    firstTextAt: null,
    toldAt: null,
    endedAt: startedAt,
    bytes: 0,
    problem: null,
  };
  try {
    for await (const chunk of chunks) take(chunk);
  } catch (error) {
    observation.problem = String(error);
  }
  observation.endedAt = process.hrtime.bigint();
  return observation;

  function take(chunk: Chunk): void {
    const { text, reset, terminal, bytes, receivedAt } = chunk;
    observation.bytes += bytes;
    if (terminal) observation.toldAt = receivedAt;
    observation.text = reset ? text : observation.text + text;
    if (text) observation.firstTextAt ??= receivedAt;
    for (const token of observation.transcript.add(chunk)) onToken?.(token, receivedAt);
    onChunk?.(chunk, observation);
  }
}
