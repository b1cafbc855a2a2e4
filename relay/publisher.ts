import { setTimeout as delay } from 'node:timers/promises';
import type { Carrier } from './carrier.ts';
import { keepConnected } from './kept-connection.ts';
import { createOutbox } from './outbox.ts';
import type { RelayMessage } from './relay.ts';

const MAX_BATCH = 200;
/** What is on its way at the end gets this long. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface Publisher {
  /** Fire and forget: returns at once and never throws. */
  publish(channel: string, message: RelayMessage): void;
  close(): Promise<void>;
}

/** Sends what waits in batches, one at a time; while one is on its way the next one gathers. Throws where it cannot connect. */
export async function createPublisher(
  carrier: Carrier,
  onError: (error: unknown) => void,
): Promise<Publisher> {
  const outbox = createOutbox();
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
    if (!sending) sent = sendAll();
  }

  /** `sending` falls in the same moment as the last look at the outbox, so that nothing stays behind in it. */
  async function sendAll(): Promise<void> {
    sending = true;
    while (!outbox.isEmpty() && connection.isUp()) {
      const batch = outbox.take(MAX_BATCH);
      // A batch that fails is lost, and the connection with it: it heals, and says so itself.
      await connection.request((server) => server.send(batch)).catch(() => {});
    }
    sending = false;
  }

  return {
    publish(channel, message) {
      outbox.add(channel, message);
      flush();
    },
    async close() {
      await Promise.race([sent, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      connection.close();
    },
  };
}
