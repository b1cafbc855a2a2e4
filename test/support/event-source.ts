import { EventSource } from 'eventsource';
import type { ReceivedFrame } from './feed-reader.ts';
import { freshFetch } from './fresh-fetch.ts';
import { within } from './within.ts';

/** A stock `EventSource`, which reconnects by itself with the id of its last frame. */
export interface SourceReader extends Disposable {
  frames: ReceivedFrame[];
  /** How often it was connected. */
  connections(): number;
  /** Resolves when it has given up for good, as it does at 204; rejects after 30 s. */
  closed: Promise<void>;
}

export function openEventSource(url: string): SourceReader {
  const frames: ReceivedFrame[] = [];
  const source = new EventSource(url, { fetch: freshFetch });
  const closed = Promise.withResolvers<void>();
  let connections = 0;
  source.onopen = () => (connections += 1);
  source.onmessage = (event) => {
    const raw = String(event.data);
    frames.push({ id: event.lastEventId, raw, frame: JSON.parse(raw) as ReceivedFrame['frame'] });
  };
  source.onerror = () => {
    if (source.readyState === source.CLOSED) closed.resolve();
  };
  return {
    frames,
    connections: () => connections,
    closed: within(closed.promise, () => `the source to close after ${frames.length} frames`),
    [Symbol.dispose]: () => source.close(),
  };
}
