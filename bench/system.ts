import type { ModelSpec } from './model-spec.ts';

/**
 * A system under test as the scenarios see it: Holdfast or a peer, in processes of its own, over its own protocol. One
 * scenario runs unchanged against all of them.
 */
export interface System {
  readonly name: string;
  /** What it cannot do, by what was asked of it, and how that was found out. Left out: nothing that is known. */
  readonly limits?: Record<string, string>;
  /** Starts its processes on fresh state. Resolves once a run can be started. */
  open(environment: Environment): Promise<OpenSystem>;
}

/** What every system is given. Loopback only. */
export interface Environment {
  /** Base URL of the scripted model, which speaks OpenAI's chat completions (`…/v1`). */
  modelUrl: string;
  /** A PostgreSQL server on which the system makes a database of its own. */
  postgresUrl: string;
  redisUrl: string;
  /** `host:port` of a production Temporal server. */
  temporalAddress: string;
  /** A folder of the system's own, removed after it. */
  scratchDir: string;
  /** Where Holdfast's processes leave a `.cpuprofile` at their end; undefined: they make none. */
  profileDir?: string | undefined;
}

export interface OpenSystem extends AsyncDisposable {
  /** Version, and each setting that matters to a figure; printed beside the figures. */
  readonly settings: Record<string, string>;
  /** Starts a run, and reads it as the one who starts it does. */
  start(spec: ModelSpec, signal: AbortSignal): Promise<StartedRun>;
  /** Reads a run again: behind the chunk whose id is `after`, or from its beginning. Ends where the stream ends. Rejects where the system cannot. */
  read(runId: string, options: { after?: string; signal: AbortSignal }): AsyncIterable<Chunk>;
  /** Asks for the run's end; null where the system has no such thing. */
  readonly cancel: ((runId: string) => Promise<void>) | null;
  /** What the system itself has kept of a run: its status in its own words, and its answer or partial answer. */
  record(runId: string): Promise<{ status: string; text: string | null }>;
  /** Kills what carries runs out, by SIGKILL, and starts it again as a supervisor would. */
  crash(): Promise<void>;
  /** Its processes, for memory and processor time. Without databases, Temporal and the model. */
  pids(): number[];
  /** Those of its processes that later readers are connected to. Left out: all. */
  readerPids?(): number[];
}

export interface StartedRun {
  runId: string;
  chunks: AsyncIterable<Chunk>;
}

/** What one piece of a stream brought. */
export interface Chunk {
  /** Where a reader goes on behind this chunk; null where the system has no such id. */
  id: string | null;
  /** Text of the model, as it is to be appended. Empty: none, but something else came. */
  text: string;
  /** The reader is told to drop what it has of the current step, ahead of `text`. */
  reset?: true;
  /** It tells that the run has ended. Left out by systems whose streams only end. */
  terminal?: true;
  /** Bytes on the wire, transfer encoding and framing included, as near as can be told. */
  bytes: number;
  /** `process.hrtime.bigint()` when the bytes were there. */
  receivedAt: bigint;
}
