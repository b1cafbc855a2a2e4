import { cutText } from '../contract/text.ts';
import type { RelayMessage, RelayMessageOf } from './relay.ts';

/** PostgreSQL refuses a NOTIFY payload of 8,000 bytes or more. */
const MAX_PAYLOAD_BYTES = 7999;

/**
 * The message as JSON texts that each fit a notification, in order. A delta that is too large becomes several, cut between
 * characters, that say the same; an entry that is too large is left out, and the workflow tells it when it is asked.
 */
export function payloadsOf(message: RelayMessage): string[] {
  const payload = JSON.stringify(message);
  if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) return [payload];
  return message.kind === 'delta' ? payloadsOfDelta(message) : [];
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
