import { setTimeout as delay } from 'node:timers/promises';
import type { Carrier, Notice } from './carrier.ts';
import { keepConnected } from './kept-connection.ts';

/** Notices that wait for a slow or absent server; the oldest give way. At 8 KB each: 32 MB. */
const MAX_QUEUED = 4_000;
const MAX_BATCH = 200;
/** What is on its way at the end gets this long. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface Publisher {
  /** Fire and forget: returns at once and never throws. */
  publish(notices: readonly Notice[]): void;
  close(): Promise<void>;
}

/** Sends what is queued in batches, one at a time; while one is on its way the next one gathers. Throws where it cannot connect. */
export async function createPublisher(
  carrier: Carrier,
  onError: (error: unknown) => void,
): Promise<Publisher> {
  const queue: Notice[] = [];
  let sending = false;
  let sent: Promise<void> = Promise.resolve();

  const connection = await keepConnected({
    carrier,
    name: 'holdfast-relay-publisher',
    onReconnect: flush,
    onNotice: () => {},
    onError,
  });

  function flush(): void {
    if (!sending) sent = sendQueued();
  }

  /** `sending` falls in the same moment as the last look at the queue, so that nothing stays behind in it. */
  async function sendQueued(): Promise<void> {
    sending = true;
    while (queue.length > 0 && connection.isUp()) {
      const batch = queue.splice(0, MAX_BATCH);
      // A batch that fails is lost, and the connection with it: it heals, and says so itself.
      await connection.request((server) => server.send(batch)).catch(() => {});
    }
    sending = false;
  }

  return {
    publish(notices) {
      queue.push(...notices);
      if (queue.length > MAX_QUEUED) queue.splice(0, queue.length - MAX_QUEUED);
      flush();
    },
    async close() {
      await Promise.race([sent, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      connection.close();
    },
  };
}
