import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Frame } from '../contract/frames.ts';
import { HoldfastError, readError } from './holdfast-error.ts';

/** A frame with the cursor behind it: given as `after`, the feed goes on with what follows. */
export interface FeedFrame {
  id: string;
  frame: Frame;
}

export interface FeedOptions {
  /** Cursor to go on from: the id of a frame. Left out: the whole feed. */
  after?: string | undefined;
  /** Ends the reading. */
  signal?: AbortSignal | undefined;
  /** A stream token of this task, instead of a key. */
  accessToken?: string | undefined;
  /** False: log entries only. */
  deltas?: boolean | undefined;
}

export interface FeedSource {
  url: string;
  fetch: typeof fetch;
  /** It does not end with a task. */
  endless?: boolean;
}

/** Wait before a reconnection until the server has named one, in milliseconds. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;
/** What a timer takes, in milliseconds: https://developer.mozilla.org/docs/Web/API/Window/setTimeout#maximum_delay_value */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;
/** The server says something every 15 s; a connection that is silent for so long is dead, in milliseconds. */
const SILENCE_MS = 45_000;

/**
 * Reads a feed, a task's to its terminal event, over as many connections as that takes: a connection that is lost, or that the server
 * ends, is opened again behind the last frame, after the time that the server asks for, and later and later where nothing
 * comes. Ends early, without an error, once the signal is aborted. Throws `HoldfastError` for what waiting does not mend.
 */
export async function* readFeed(
  source: FeedSource,
  options: FeedOptions,
): AsyncGenerator<FeedFrame> {
  const { signal } = options;
  const state: FeedState = { retryMs: FIRST_RETRY_MS, ended: false };
  const url = source.url + queryOf(options);
  for (let failures = 0; !signal?.aborted; failures += 1) {
    let waitMs: number | null = null;
    try {
      for await (const received of connect({ ...source, url }, state, signal)) {
        failures = 0;
        yield received;
      }
      if (state.ended) return;
    } catch (error) {
      if (signal?.aborted) return;
      if (!isPassing(error)) throw error;
      waitMs = error instanceof HoldfastError ? error.retryAfterMs : null;
    }
    // A server may ask for more time, not for less.
    await pause(Math.max(backoffMs(state.retryMs, failures), waitMs ?? 0), signal);
  }
}

/** The first cursor goes into the query, because it is the caller's and may hold what a header cannot. */
function queryOf({ after, accessToken, deltas = true }: FeedOptions): string {
  const query = new URLSearchParams({
    ...(after !== undefined && { after }),
    ...(accessToken !== undefined && { access_token: accessToken }),
    ...(!deltas && { deltas: 'false' }),
  });
  return query.size > 0 ? `?${query}` : '';
}

interface FeedState {
  /** Id of the last frame: goes before the first cursor. */
  lastId?: string;
  /** What the server's `retry:` line says, in milliseconds. */
  retryMs: number;
  /** Nothing follows. */
  ended: boolean;
}

/** One connection. Its end is the end of the generator, and the other way round. */
async function* connect(
  source: FeedSource,
  state: FeedState,
  signal: AbortSignal | undefined,
): AsyncGenerator<FeedFrame> {
  const dropped = new AbortController();
  const silence = new TypeError('the feed fell silent');
  const watchdog = createWatchdog(() => dropped.abort(silence));
  try {
    const response = await source.fetch(source.url, {
      headers: {
        Accept: 'text/event-stream',
        ...(state.lastId !== undefined && { 'Last-Event-ID': state.lastId }),
      },
      signal: signal ? AbortSignal.any([signal, dropped.signal]) : dropped.signal,
    });
    if (response.status === 204) state.ended = true;
    if (!response.ok) throw await readError(response);
    if (!response.body || state.ended) return;
    const onRetry = (ms: number) => (state.retryMs = ms);
    for await (const { id, data } of messagesOf(response.body, {
      onRetry,
      onBytes: watchdog.touch,
    })) {
      // What had come before the abort is not shown after it.
      if (signal?.aborted) return;
      const received = { id: id ?? '', frame: JSON.parse(data) as Frame };
      state.lastId = received.id;
      state.ended = !source.endless && isLast(received.frame);
      yield received;
      if (state.ended) return;
    }
  } catch (error) {
    // Not every browser hands the reason of an abort to who reads the body.
    throw dropped.signal.aborted ? silence : error;
  } finally {
    watchdog.stop();
    dropped.abort();
  }
}

/** Reads with a reader, because not every browser iterates a `ReadableStream`. */
async function* messagesOf(
  body: ReadableStream<Uint8Array>,
  { onRetry, onBytes }: { onRetry(ms: number): void; onBytes(): void },
): AsyncGenerator<EventSourceMessage> {
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onRetry, onEvent: (message) => messages.push(message) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    parser.feed(decoder.decode(value, { stream: true }));
    yield* messages.splice(0);
  }
}

function isLast({ type }: Frame): boolean {
  return type === 'task.completed' || type === 'task.failed';
}

/** `fetch` and its body reject with a `TypeError` where the connection fails: https://fetch.spec.whatwg.org/#fetch-method */
function isPassing(error: unknown): boolean {
  return error instanceof HoldfastError ? error.passing : error instanceof TypeError;
}

/** Grows with each connection that gave nothing; jittered, so that readers do not all come back at once. */
function backoffMs(retryMs: number, failures: number): number {
  return Math.min(retryMs * 2 ** failures, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2);
}

function createWatchdog(onSilence: () => void) {
  let timer = setTimeout(onSilence, SILENCE_MS);
  return {
    touch() {
      clearTimeout(timer);
      timer = setTimeout(onSilence, SILENCE_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Waits, or less where the signal is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, LONGEST_PAUSE_MS));
    signal?.addEventListener('abort', end);
  });
}
