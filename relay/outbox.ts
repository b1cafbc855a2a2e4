import type { Notice } from './carrier.ts';
import { payloadsOf } from './payloads.ts';
import type { RelayMessage, RelayMessageOf } from './relay.ts';

/** Messages that wait for a slow or absent server; the oldest give way. At 8 KB each: 32 MB. */
const MAX_MESSAGES = 4_000;
/** UTF-16 units of a delta to which nothing more is added. */
const MAX_MERGED_LENGTH = 2_000;

/** What waits to be sent, in the order of each channel. A delta is added to the one before it, which waits too. */
export interface Outbox {
  add(channel: string, message: RelayMessage): void;
  /** Takes out the oldest messages. */
  take(most: number): Notice[];
  isEmpty(): boolean;
}

interface Waiting {
  channel: string;
  message: RelayMessage;
}

export function createOutbox(): Outbox {
  const queue: Waiting[] = [];
  /** The newest of each channel. */
  const newest = new Map<string, Waiting>();

  function remove(count: number): Waiting[] {
    const removed = queue.splice(0, count);
    for (const waiting of removed) {
      if (newest.get(waiting.channel) === waiting) newest.delete(waiting.channel);
    }
    return removed;
  }

  return {
    add(channel, message) {
      const before = newest.get(channel);
      const merged = before && merge(before.message, message);
      if (merged) {
        before.message = merged;
        return;
      }
      const waiting = { channel, message };
      queue.push(waiting);
      newest.set(channel, waiting);
      if (queue.length > MAX_MESSAGES) remove(queue.length - MAX_MESSAGES);
    },
    take: (most) =>
      remove(most).flatMap(({ channel, message }) =>
        payloadsOf(message).map((payload) => ({ channel, payload })),
      ),
    isEmpty: () => queue.length === 0,
  };
}

/** One delta that says what both say, or null where the second does not join on. */
function merge(first: RelayMessage, second: RelayMessage): RelayMessageOf<'delta'> | null {
  if (first.kind !== 'delta' || second.kind !== 'delta') return null;
  const [before, after] = [first.piece, second.piece];
  const joins =
    first.runId === second.runId &&
    first.seq === second.seq &&
    before.step === after.step &&
    before.attempt === after.attempt &&
    before.block === after.block &&
    before.offset + before.text.length === after.offset &&
    before.text.length < MAX_MERGED_LENGTH;
  return joins ? { ...first, piece: { ...before, text: before.text + after.text } } : null;
}
