import { ApiError } from '../errors.ts';

export interface StreamGateOptions {
  /** A stream ends cleanly after so long, and its reader resumes, in milliseconds. */
  streamMaxMs: number;
  maxStreams: number;
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
  /** Gives the place back. Once. */
  leave(): void;
}

export function createStreamGate({ streamMaxMs, maxStreams }: StreamGateOptions): StreamGate {
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
      return {
        over: AbortSignal.any([signal, draining.signal, AbortSignal.timeout(streamMaxMs)]),
        leave: () => void (streams -= 1),
      };
    },
    drain: () => draining.abort(),
  };
}
