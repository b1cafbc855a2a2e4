import type { Latencies } from './latencies.ts';
import type { ModelSpec } from './model-spec.ts';
import type { Chunk, OpenSystem, StartedRun } from './system.ts';
import { createTranscript, type Transcript } from './transcript.ts';

/** What a reader saw of a run. Times are `process.hrtime.bigint()`. */
export interface Observation {
  transcript: Transcript;
  /** All text, as a reader puts it together in a run of one step. */
  text: string;
  /** When the run was asked for, or the reading began. */
  startedAt: bigint;
  firstTextAt: bigint | null;
  lastChunkAt: bigint;
  /** When the stream had ended. */
  endedAt: bigint;
  bytes: number;
  /** What broke the stream off. */
  problem: string | null;
}

export interface ObserveOptions {
  signal?: AbortSignal;
  /** Gets the time that each token took from the model to the reader. */
  latencies?: Latencies;
  /** Called behind each chunk. */
  onChunk?: (chunk: Chunk, observation: Observation) => void;
}

/** Starts a run and reads it to its end. Throws where the stream breaks off. */
export async function observeRun(
  system: OpenSystem,
  spec: ModelSpec,
  options: ObserveOptions = {},
): Promise<Observation & { runId: string }> {
  const { signal = new AbortController().signal } = options;
  const startedAt = process.hrtime.bigint();
  const { runId, chunks } = await system.start(spec, signal);
  const observation = await observe(chunks, { ...options, startedAt });
  if (observation.problem !== null) throw new Error(observation.problem);
  return { runId, ...observation };
}

/** Reads to the end of the stream, whatever it is. */
export async function observe(
  chunks: StartedRun['chunks'],
  { latencies, onChunk, startedAt }: ObserveOptions & { startedAt: bigint },
): Promise<Observation> {
  const observation: Observation = {
    transcript: createTranscript(),
    text: '',
    startedAt,
    firstTextAt: null,
    lastChunkAt: startedAt,
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
    const { text, reset, bytes, receivedAt } = chunk;
    observation.bytes += bytes;
    observation.lastChunkAt = receivedAt;
    observation.text = reset ? text : observation.text + text;
    if (text) observation.firstTextAt ??= receivedAt;
    for (const { sentAt } of observation.transcript.add(chunk)) latencies?.add(receivedAt - sentAt);
    onChunk?.(chunk, observation);
  }
}
