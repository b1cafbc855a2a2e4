import { setTimeout as sleep } from 'node:timers/promises';
import type { Latencies } from './latencies.ts';
import type { Chunk, OpenSystem } from './system.ts';
import { createTranscript, type Transcript } from './transcript.ts';

/** So many connections are opened at a time where the opening is not what is measured. */
const OPENED_TOGETHER = 50;
/** The least that Holdfast asks a reader to wait before it comes back. */
const RETRY_MS = 1_000;
const MOST_REFUSALS = 20;

/** One of many readers: what it has got over all its connections. */
export interface CrowdReader {
  readonly runId: string;
  readonly transcript: Transcript;
  /** Streams that ended without what was waited for. */
  readonly refusals: number;
  /**
   * Reads behind the last chunk that it has. Resolves with the first chunk, or the first with text. Where a stream ends without
   * it, as a busy system may end it, comes back after a second, as `EventSource` does.
   */
  connect(first?: 'text'): Promise<Chunk>;
  /** Leaves, as a closed laptop does. Resolves once the connection is gone. */
  drop(): Promise<void>;
  /**
   * Resolves when this connection's stream ended by itself, with the time when the run's end was told; null: it was not. Rejects where it
   * broke.
   */
  ended(): Promise<bigint | null>;
}

export interface CrowdOptions {
  /** Readers are spread over them. */
  runIds: readonly string[];
  readers: number;
  /** Gets the time that tokens took which the model said after `from`. */
  live?: { latencies: Latencies; from(): bigint };
}

export function createCrowd(system: OpenSystem, options: CrowdOptions): CrowdReader[] {
  const { runIds, readers, live } = options;
  return Array.from({ length: readers }, (_, index) =>
    createReader(system, runIds[index % runIds.length] ?? '', live),
  );
}

/** Connects all readers without a rush. */
export async function connectSlowly(crowd: readonly CrowdReader[]): Promise<void> {
  for (let index = 0; index < crowd.length; index += OPENED_TOGETHER) {
    const some = crowd.slice(index, index + OPENED_TOGETHER);
    await Promise.all(some.map((reader) => reader.connect()));
  }
}

function createReader(system: OpenSystem, runId: string, live: CrowdOptions['live']): CrowdReader {
  const transcript = createTranscript();
  let after: string | undefined;
  let leaving = new AbortController();
  let reading = Promise.resolve<bigint | null>(null);
  let refusals = 0;

  async function read(onChunk: (chunk: Chunk) => void): Promise<bigint | null> {
    let toldAt: bigint | null = null;
    const { signal } = leaving;
    for await (const chunk of system.read(runId, { signal, ...(after && { after }) })) {
      onChunk(chunk);
      after = chunk.id ?? after;
      if (chunk.terminal) toldAt = chunk.receivedAt;
      for (const { sentAt } of transcript.add(chunk)) {
        if (live && sentAt >= live.from()) live.latencies.add(chunk.receivedAt - sentAt);
      }
    }
    return toldAt;
  }

  /** Null: the stream ended before. */
  function connectOnce(wanted?: 'text'): Promise<Chunk | null> {
    leaving = new AbortController();
    const first = Promise.withResolvers<Chunk | null>();
    reading = read((chunk) => {
      if (wanted === undefined || chunk.text) first.resolve(chunk);
    });
    reading.then(() => first.resolve(null), first.reject);
    return first.promise;
  }

  return {
    runId,
    transcript,
    get refusals() {
      return refusals;
    },
    async connect(wanted) {
      for (;;) {
        const chunk = await connectOnce(wanted);
        if (chunk !== null) return chunk;
        refusals += 1;
        if (refusals > MOST_REFUSALS) throw new Error('the streams end without a chunk');
        await sleep(RETRY_MS);
      }
    },
    async drop() {
      leaving.abort();
      await reading.catch(() => undefined);
    },
    ended: () => reading,
  };
}
