import type { Latencies } from './latencies.ts';
import type { ModelSpec } from './model-spec.ts';
import type { Chunk, OpenSystem, StartedRun } from './system.ts';
import { createTranscript, type Transcript } from './transcript.ts';

/** What the one who started a run saw of it. Times are `process.hrtime.bigint()`. */
export interface Observation {
  spec: ModelSpec;
  runId: string;
  transcript: Transcript;
  startedAt: bigint;
  firstTextAt: bigint | null;
  lastChunkAt: bigint;
  /** When the stream had ended. */
  endedAt: bigint;
  bytes: number;
}

export interface ObserveOptions {
  signal?: AbortSignal;
  /** Gets the time that each token took from the model to the reader. */
  latencies?: Latencies;
  onChunk?: (chunk: Chunk, observation: Observation) => void;
}

/** Starts a run and reads it to its end. */
export async function observeRun(
  system: OpenSystem,
  spec: ModelSpec,
  options: ObserveOptions = {},
): Promise<Observation> {
  const startedAt = process.hrtime.bigint();
  const { signal = new AbortController().signal } = options;
  const run = await system.start(spec, signal);
  return readToEnd(run, createObservation(spec, run, startedAt), options);
}

export function createObservation(
  spec: ModelSpec,
  { runId }: StartedRun,
  startedAt: bigint,
): Observation {
  const transcript = createTranscript();
  const times = { startedAt, firstTextAt: null, lastChunkAt: startedAt, endedAt: startedAt };
  return { spec, runId, transcript, ...times, bytes: 0 };
}

async function readToEnd(
  { chunks }: StartedRun,
  observation: Observation,
  { latencies, onChunk }: ObserveOptions,
): Promise<Observation> {
  for await (const chunk of chunks) {
    observation.bytes += chunk.bytes;
    observation.lastChunkAt = chunk.receivedAt;
    if (chunk.text) observation.firstTextAt ??= chunk.receivedAt;
    for (const { sentAt } of observation.transcript.add(chunk)) {
      latencies?.add(chunk.receivedAt - sentAt);
    }
    onChunk?.(chunk, observation);
  }
  observation.endedAt = process.hrtime.bigint();
  return observation;
}
