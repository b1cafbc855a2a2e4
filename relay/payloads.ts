import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { cutText } from '../contract/text.ts';
import type { RelayMessage, RelayMessageOf } from './relay.ts';

/** PostgreSQL refuses a NOTIFY payload of 8,000 bytes or more. */
const MAX_PAYLOAD_BYTES = 7999;
/** Of a part, as JSON: what stands around it has less than 150 bytes. */
const MAX_PART_BYTES = MAX_PAYLOAD_BYTES - 150;
/** UTF-16 units of an entry that travels in parts. A larger one would hold up too much; the workflow tells it when it is asked. */
const MAX_ENTRY_LENGTH = 256 * 1024;
/** Messages of which parts are awaited: the oldest has lost one. */
const MAX_BEGUN = 64;

/** A part of a message that fits no payload. */
interface Part {
  kind: 'part';
  /** The same in all parts of a message. */
  whole: string;
  /** 0, 1, 2 … */
  index: number;
  count: number;
  text: string;
}

/**
 * The message as JSON texts that each fit a notification, in order. A delta that is too large becomes several that say the
 * same; an entry travels in parts.
 */
export function payloadsOf(message: RelayMessage): string[] {
  const payload = JSON.stringify(message);
  if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) return [payload];
  if (message.kind === 'delta') return payloadsOfDelta(message);
  return payload.length <= MAX_ENTRY_LENGTH ? partsOf(payload) : [];
}

function payloadsOfDelta(message: RelayMessageOf<'delta'>): string[] {
  const { offset, text } = message.piece;
  const [head, tail] = halves(text);
  return [
    ...payloadsOf({ ...message, piece: { ...message.piece, text: head } }),
    ...payloadsOf({
      ...message,
      piece: { ...message.piece, offset: offset + head.length, text: tail },
    }),
  ];
}

function partsOf(payload: string): string[] {
  const whole = randomUUID();
  const texts = fitting(payload);
  return texts.map((text, index) => {
    const part: Part = { kind: 'part', whole, index, count: texts.length, text };
    return JSON.stringify(part);
  });
}

function fitting(text: string): string[] {
  const fits = Buffer.byteLength(JSON.stringify(text)) <= MAX_PART_BYTES;
  return fits ? [text] : halves(text).flatMap(fitting);
}

/** Cut between characters. */
function halves(text: string): [string, string] {
  const head = cutText(text, Math.ceil(text.length / 2));
  return [head, text.slice(head.length)];
}

/**
 * Puts messages together again. The returned function takes the payloads of a connection in their order, and gives the message
 * that is whole now, or null. Throws at a payload that is none of ours.
 */
export function createAssembler(): (payload: string) => RelayMessage | null {
  const begun = new LRUCache<string, string[]>({ max: MAX_BEGUN });
  return (payload) => {
    const message = JSON.parse(payload) as RelayMessage | Part;
    if (message.kind !== 'part') return message;
    const { whole, index, count, text } = message;
    const texts = [...(begun.get(whole) ?? []), text];
    begun.delete(whole);
    // A part is lost, or came twice: the message is lost with it.
    if (texts.length !== index + 1) return null;
    if (texts.length === count) return JSON.parse(texts.join('')) as RelayMessage;
    begun.set(whole, texts);
    return null;
  };
}
