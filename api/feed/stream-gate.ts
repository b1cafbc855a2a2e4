import type { Metrics } from '../../metrics/create-metrics.ts';
import { ApiError } from '../errors.ts';

export interface StreamGateOptions {
  /** A stream ends cleanly after so long, and its reader resumes, in milliseconds. */
  streamMaxMs: number;
  maxStreams: number;
  metrics: Pick<Metrics, 'streams' | 'framesSent'>;
}

/** Counts the streams of a process, and says when each has to end. */
export interface StreamGate {
  /** Takes a place. `signal`: the caller has gone away. Throws `ApiError` `shutting_down`, `too_many_streams`. */
  enter(signal: AbortSignal): StreamPlace;
  /** Aborted once no stream may go on. */
  readonly draining: AbortSignal;
  /** Ends every stream between two frames, and lets no more in. */
  drain(): void;
}

export interface StreamPlace {
  /** Aborted when the stream's time is over. */
  over: AbortSignal;
  /** Counts what was sent on it. */
  sent(frames: number): void;
  /** Gives the place back. Once. */
  leave(): void;
}

export function createStreamGate(options: StreamGateOptions): StreamGate {
  const { streamMaxMs, maxStreams, metrics } = options;
  const draining = new AbortController();
  let streams = 0;
  return {
    draining: draining.signal,
    enter(signal) {
      if (draining.signal.aborted)
        throw new ApiError('shutting_down', 'The server is shutting down.');
      if (streams >= maxStreams)
        throw new ApiError('too_many_streams', 'Too many streams are open.');
      streams += 1;
      metrics.streams.inc();
      const lived = new AbortController();
      // Not the signal of a time-out, which stays until its time has come, however early the reader leaves.
      const deadline = setTimeout(() => lived.abort(), streamMaxMs).unref();
      return {
        over: AbortSignal.any([signal, draining.signal, lived.signal]),
        sent: (frames) => metrics.framesSent.inc(frames),
        leave() {
          clearTimeout(deadline);
          streams -= 1;
          metrics.streams.dec();
        },
      };
    },
    drain: () => draining.abort(),
  };
}
