import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomEvent, EmittedEvents } from '../contract/run-messages.ts';
import { cleanJson } from '../contract/text.ts';

/** Most that one call may emit: it all goes through the history of the run, and stays in its log. */
const MAX_EVENTS = 10_000;
const MAX_BYTES = 1024 * 1024;
/** Most bytes of one payload. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
const MAX_TYPE_LENGTH = 64;

/** Most bytes of JSON that go in one batch, unless it is one larger event. */
const BATCH_BYTES = 128 * 1024;
/** Wait between two batches. It grows with each, so that a call that emits for hours costs its run little history. */
const FIRST_PAUSE_MS = 200;
const PAUSE_GROWTH_MS = 20;

/** Brings the events of a tool call to its run: in order, and each once, however often the call is retried. */
export interface Emitter {
  /** Throws where the event is malformed or too much. After `close` it does nothing. */
  emit(eventType: string, payload?: unknown): void;
  /** Takes no more, and resolves when the run has everything. Rejects where that cannot be had. */
  close(): Promise<void>;
}

/** Where a batch goes. Tries until it has arrived; rejects where it never will. */
export type SendEvents = (batch: Pick<EmittedEvents, 'from' | 'events'>) => Promise<void>;

/** The first event goes at once; what comes while a batch is on its way, or shortly after, goes together. */
export function createEmitter(send: SendEvents): Emitter {
  const waiting: Waiting[] = [];
  const closing = new AbortController();
  const spent = { events: 0, bytes: 0 };
  let batches = 0;
  let sent = 0;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    // What is emitted in one go goes together.
    await sleep(0);
    while (waiting.length > 0) {
      const events = takeBatch(waiting);
      await send({ from: sent + 1, events });
      sent += events.length;
      batches += 1;
      const pauseMs = FIRST_PAUSE_MS + batches * PAUSE_GROWTH_MS;
      await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
    sending = null;
  }

  return {
    emit(eventType, payload = null) {
      if (closing.signal.aborted) return;
      const one = checked(eventType, payload);
      spent.events += 1;
      spent.bytes += one.bytes;
      if (spent.events > MAX_EVENTS || spent.bytes > MAX_BYTES)
        throw new Error(`One call may emit ${MAX_EVENTS} events, of ${MAX_BYTES} bytes together.`);
      waiting.push(one);
      if (sending) return;
      sending = sendAll();
      // Whoever closes hears of it.
      sending.catch(() => undefined);
    },
    async close() {
      closing.abort();
      await sending;
    },
  };
}

interface Waiting {
  event: CustomEvent;
  /** Of its JSON. */
  bytes: number;
}

/** The next events that go together. */
function takeBatch(waiting: Waiting[]): CustomEvent[] {
  let bytes = 0;
  const end = waiting.findIndex((one, index) => (bytes += one.bytes) > BATCH_BYTES && index > 0);
  return waiting.splice(0, end < 0 ? waiting.length : end).map(({ event }) => event);
}

/** The event as clean JSON. */
function checked(eventType: string, payload: unknown): Waiting {
  if (eventType.length < 1 || eventType.length > MAX_TYPE_LENGTH)
    throw new Error(`An event's type must have 1 to ${MAX_TYPE_LENGTH} characters.`);
  const json = JSON.stringify(payload) as string | undefined;
  if (json === undefined) throw new Error("An event's payload must be JSON.");
  if (Buffer.byteLength(json) > MAX_PAYLOAD_BYTES)
    throw new Error(`An event's payload must be at most ${MAX_PAYLOAD_BYTES} bytes of JSON.`);
  const event = cleanJson({ event_type: eventType, payload: JSON.parse(json) as unknown });
  return { event, bytes: Buffer.byteLength(JSON.stringify(event)) };
}
