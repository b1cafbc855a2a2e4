import { payloadsOf } from './payloads.ts';
import { keepConnected } from './postgres-connection.ts';
import type { Relay } from './relay.ts';

/** Notifications that wait for a slow or absent database; the oldest give way. At 8 KB each: 8 MB. */
const MAX_QUEUED = 1_000;
/** Notifications of one statement: NOTIFY takes a lock over all databases for each commit. */
const MAX_BATCH = 200;

/** `unnest` keeps the order of its arrays, and PostgreSQL delivers a transaction's notifications in the order they were made. */
const NOTIFY = 'select pg_notify(c, p) from unnest($1::text[], $2::text[]) as queued(c, p)';

export interface PublisherOptions {
  databaseUrl: string;
  /** The channel of a task: at most 63 bytes. */
  channelOf(taskId: string): string;
  onError(error: unknown): void;
}

/** Sends what is queued in batches, one at a time; while one is on its way the next one gathers. */
export async function createPublisher(
  options: PublisherOptions,
): Promise<Pick<Relay, 'publish'> & AsyncDisposable> {
  const queue: { channel: string; payload: string }[] = [];
  let sending = false;
  let sent: Promise<void> = Promise.resolve();

  const connection = await keepConnected({
    databaseUrl: options.databaseUrl,
    applicationName: 'holdfast relay publisher',
    onReconnect: flush,
    onError: options.onError,
  });

  function flush(): void {
    if (!sending) sent = sendQueued();
  }

  /** `sending` falls in the same moment as the last look at the queue, so that nothing stays behind in it. */
  async function sendQueued(): Promise<void> {
    sending = true;
    while (queue.length > 0 && connection.isUp()) {
      const batch = queue.splice(0, MAX_BATCH);
      const values = [batch.map(({ channel }) => channel), batch.map(({ payload }) => payload)];
      // A batch that fails is lost, and the connection with it: it heals, and says so itself.
      await connection.query({ name: 'notify', text: NOTIFY, values }).catch(() => {});
    }
    sending = false;
  }

  return {
    publish(taskId, message) {
      const channel = options.channelOf(taskId);
      for (const payload of payloadsOf(message)) queue.push({ channel, payload });
      if (queue.length > MAX_QUEUED) queue.splice(0, queue.length - MAX_QUEUED);
      flush();
    },
    async [Symbol.asyncDispose]() {
      await sent;
      await connection[Symbol.asyncDispose]();
    },
  };
}
