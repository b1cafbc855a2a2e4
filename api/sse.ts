/** The only writer of Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

const ENCODER = new TextEncoder();
const KEEP_ALIVE = ENCODER.encode(': keep-alive\n\n');
const KEEP_ALIVE_MS = 15_000;
/** A frame of so many bytes is worth a write of its own. */
const LARGE_BYTES = 16 * 1024;
/** Most bytes that are written at once: a slow reader has to take them within the deadline. */
const WRITE_BYTES = 64 * 1024;
/** A reader that has not taken what was written for so long is dropped; it resumes with its last id. */
const WRITE_DEADLINE_MS = 30_000;

export interface SseFrame {
  id: string;
  /** One line of JSON. */
  data: string;
}

export interface SseSource {
  /** The frames that follow; waits for one up to `waitMs`, then gives none. Null: the stream ends here. */
  next(waitMs: number): Promise<readonly SseFrame[] | null>;
  /** Whether its reader may still read. Asked before each write; where not, the stream ends. */
  mayRead(): boolean;
  /** Called once, however the stream ends. */
  close(): void;
  /** Cuts the connection of a reader that does not read; nothing else can interrupt a write that waits. */
  drop?: (() => void) | undefined;
}

/** Reconnection time for readers, jittered so that they do not all come back at once. */
function retryLine(): string {
  return `retry: ${1_000 + Math.floor(Math.random() * 2_000)}\n\n`;
}

/**
 * Streams a source. Frames are asked for only when the connection has taken the ones before, so a slow reader costs no
 * memory: it gets what is new at its own pace.
 */
export function sseResponse(source: SseSource): Response {
  let deadline: NodeJS.Timeout | undefined;
  let closed = false;
  const waiting: Uint8Array[] = [];
  const close = () => {
    if (closed) return;
    closed = true;
    clearTimeout(deadline);
    source.close();
  };
  const end = (controller: ReadableStreamDefaultController) => {
    close();
    controller.close();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(ENCODER.encode(retryLine())),
      async pull(controller) {
        clearTimeout(deadline);
        if (closed) return;
        if (!source.mayRead()) return end(controller);
        if (waiting.length === 0) {
          const chunks = await nextChunks(source).catch((error: unknown) => {
            close();
            throw error;
          });
          if (closed) return;
          if (chunks === null) return end(controller);
          waiting.push(...chunks.flatMap(slicesOf));
        }
        const chunk = waiting.shift();
        if (chunk) controller.enqueue(chunk);
        deadline = setTimeout(() => {
          close();
          if (source.drop) source.drop();
          else controller.error(new Error('the reader does not read'));
        }, WRITE_DEADLINE_MS);
      },
      cancel: close,
    },
    { highWaterMark: 1 },
  );
  return new Response(body, { headers: HEADERS });
}

/** A stream that ends at once, cleanly: `EventSource` gives up for good on anything but 200, and so comes back. */
export function sseRefusal(): Response {
  return new Response(retryLine(), { headers: HEADERS });
}

async function nextChunks(source: SseSource): Promise<readonly Uint8Array[] | null> {
  const frames = await source.next(KEEP_ALIVE_MS);
  if (frames === null) return null;
  return frames.length === 0 ? [KEEP_ALIVE] : chunksOf(frames);
}

/** Small frames are written together; a large one as the bytes that all its readers share, whether or not they read. */
function chunksOf(frames: readonly SseFrame[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    const [first, ...more] = small;
    if (first) chunks.push(more.length === 0 ? first : Buffer.concat(small));
    small = [];
  };
  for (const bytes of frames.map(bytesOf)) {
    if (bytes.length < LARGE_BYTES) {
      small.push(bytes);
      continue;
    }
    flush();
    chunks.push(bytes);
  }
  flush();
  return chunks;
}

/** Parts of the same bytes. */
function slicesOf(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / WRITE_BYTES);
  return Array.from({ length: count }, (_, n) =>
    bytes.subarray(n * WRITE_BYTES, (n + 1) * WRITE_BYTES),
  );
}

const BYTES_OF_FRAMES = new WeakMap<SseFrame, Uint8Array>();

/** A frame that many readers are given is written out once. */
function bytesOf(frame: SseFrame): Uint8Array {
  let bytes = BYTES_OF_FRAMES.get(frame);
  if (!bytes) {
    bytes = ENCODER.encode(`id: ${frame.id}\ndata: ${frame.data}\n\n`);
    BYTES_OF_FRAMES.set(frame, bytes);
  }
  return bytes;
}
