import { cutText } from '../contract/text.ts';
import type { RelayMessage, RelayMessageOf } from './relay.ts';

/** PostgreSQL refuses a NOTIFY payload of 8,000 bytes or more. */
const MAX_PAYLOAD_BYTES = 7999;

/**
 * The message as JSON texts that each fit a notification, in order. What is too large becomes several that say the same: a
 * delta is cut between characters, entries come one by one. Of an entry that is too large by itself only its `seq` is told.
 */
export function payloadsOf(message: RelayMessage): string[] {
  const payload = JSON.stringify(message);
  if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) return [payload];
  if (message.kind === 'delta') return payloadsOfDelta(message);
  if (message.kind === 'entries') return payloadsOfEntries(message);
  return [payload];
}

function payloadsOfEntries({ events, runId }: RelayMessageOf<'entries'>): string[] {
  const [only, ...others] = events;
  if (only && others.length === 0) return payloadsOf({ kind: 'log', lastSeq: only.seq, runId });
  return events.flatMap((event) => payloadsOf({ kind: 'entries', events: [event], runId }));
}

function payloadsOfDelta(message: RelayMessageOf<'delta'>): string[] {
  const { text, offset } = message.piece;
  const head = cutText(text, Math.ceil(text.length / 2));
  const tail = text.slice(head.length);
  return [
    ...payloadsOf({ ...message, piece: { ...message.piece, text: head } }),
    ...payloadsOf({
      ...message,
      piece: { ...message.piece, offset: offset + head.length, text: tail },
    }),
  ];
}
