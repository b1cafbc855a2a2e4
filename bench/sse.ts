import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { createParser } from 'eventsource-parser';

/** One event of a stream of Server-Sent Events, and what it cost on the wire. */
export interface SseEvent {
  id: string | null;
  event: string | null;
  data: string;
  /** Bytes that the socket has brought since the event before, with headers, framing and transfer encoding. */
  bytes: number;
  /** `process.hrtime.bigint()` when the bytes were there, however late they are looked at. */
  receivedAt: bigint;
}

export interface SseResponse {
  status: number;
  headers: IncomingMessage['headers'];
  /** The body is not read before these are. */
  events: AsyncIterable<SseEvent>;
  /** The whole body, of an answer that is no stream. */
  text(): Promise<string>;
}

export interface SseRequest {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  signal: AbortSignal;
}

/** Opens a stream of Server-Sent Events on a connection of its own. Resolves with the response's head. Rejects where nobody answers. */
export async function openSse(url: string, options: SseRequest): Promise<SseResponse> {
  const { method = 'GET', headers, body, signal } = options;
  const outgoing = request(url, {
    method,
    signal,
    agent: false,
    headers: {
      accept: 'text/event-stream',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events: readEvents(response),
    text: () => text(response),
  };
}

/** Ends with the response. Throws where the connection breaks, or is given up by the signal. */
async function* readEvents(response: IncomingMessage): AsyncGenerator<SseEvent> {
  const arrived: SseEvent[] = [];
  const bell = createBell();
  const { socket } = response;
  let counted = 0;
  let receivedAt = 0n;
  const parser = createParser({
    onEvent({ id, event, data }) {
      const bytes = socket.bytesRead - counted;
      counted += bytes;
      arrived.push({ id: id ?? null, event: event ?? null, data, bytes, receivedAt });
    },
  });
  response.setEncoding('utf8').on('data', (piece: string) => {
    receivedAt = process.hrtime.bigint();
    parser.feed(piece);
    bell.ring();
  });
  // An error comes with `close`, and is read off the response there.
  response.on('error', () => undefined).on('close', bell.ring);
  try {
    for (;;) {
      yield* arrived.splice(0);
      if (arrived.length > 0) continue;
      if (response.closed) break;
      await bell.rung();
    }
    if (response.errored) throw response.errored;
  } finally {
    response.destroy();
  }
}

/** Lets one loop wait for what listeners bring. */
function createBell(): { ring: () => void; rung: () => Promise<void> } {
  let heard = Promise.withResolvers<void>();
  return {
    ring: () => heard.resolve(),
    async rung() {
      await heard.promise;
      heard = Promise.withResolvers();
    },
  };
}
