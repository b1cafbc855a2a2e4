import { createHash } from 'node:crypto';
import { payloadsOf } from './payloads.ts';
import { keepConnected } from './postgres-connection.ts';
import type { Relay, RelayMessage } from './relay.ts';
import { createSubscribers } from './subscribers.ts';

/** Notifications that wait for a slow or absent database; the oldest give way. At 8 KB each: 8 MB. */
const MAX_QUEUED = 1_000;
/** Notifications of one statement: one commit, and NOTIFY takes a lock over all databases for each commit. */
const MAX_BATCH = 200;

/** `unnest` keeps the order of its arrays, and PostgreSQL delivers a transaction's notifications in the order they were made. */
const NOTIFY = 'select pg_notify(c, p) from unnest($1::text[], $2::text[]) as queued(c, p)';

export interface PostgresRelayOptions {
  databaseUrl: string;
  /** Hears of lost connections, foreign payloads and subscribers that throw. */
  onError: (error: unknown) => void;
}

/**
 * The relay over LISTEN/NOTIFY, with a connection to listen and one to publish. The URL must lead to PostgreSQL itself
 * or to a pooler in session mode: LISTEN belongs to a session. While the database is away, `subscribe` still returns
 * at once, and messages are lost until the connection stands again. Throws where the first connection fails.
 */
export async function createPostgresRelay(options: PostgresRelayOptions): Promise<Relay> {
  const listener = await createListener(options);
  const publisher = await createPublisher(options).catch(async (error: unknown) => {
    await listener[Symbol.asyncDispose]();
    throw error;
  });
  return {
    publish: publisher.publish,
    subscribe: listener.subscribe,
    async [Symbol.asyncDispose]() {
      await Promise.all([publisher[Symbol.asyncDispose](), listener[Symbol.asyncDispose]()]);
    },
  };
}

/** A task's channel: at most 63 bytes, whatever the id holds, and safe to write unquoted. */
function channelOf(taskId: string): string {
  return `holdfast_${createHash('sha256').update(taskId).digest('hex').slice(0, 40)}`;
}

/** Keeps the connection's LISTENs equal to the channels that have subscribers here. */
async function createListener({ databaseUrl, onError }: PostgresRelayOptions) {
  const subscribers = createSubscribers(onError);
  const listened = new Set<string>();
  let turn: Promise<void> = Promise.resolve();

  const connection = await keepConnected({
    databaseUrl,
    applicationName: 'holdfast relay listener',
    onReconnect: () => {
      listened.clear();
      void synchronize();
    },
    onNotification: ({ channel, payload }) => {
      const message = parse(payload, onError);
      if (message) subscribers.deliver(channel, message);
    },
    onError,
  });

  function synchronize(): Promise<void> {
    turn = turn.then(applyChanges);
    return turn;
  }

  /** One round trip for all that changed since the last one. A failure is healed by the next connection. */
  async function applyChanges(): Promise<void> {
    const added = subscribers.channels().filter((channel) => !listened.has(channel));
    const removed = [...listened].filter((channel) => !subscribers.has(channel));
    if (added.length + removed.length === 0 || !connection.isUp()) return;
    const statements = [...added.map((c) => `LISTEN ${c}`), ...removed.map((c) => `UNLISTEN ${c}`)];
    try {
      await connection.query(statements.join(';'));
    } catch {
      return;
    }
    added.forEach((channel) => listened.add(channel));
    removed.forEach((channel) => listened.delete(channel));
  }

  async function subscribe(taskId: string, onMessage: (message: RelayMessage) => void) {
    const remove = subscribers.add(channelOf(taskId), onMessage);
    await synchronize();
    return () => {
      remove();
      void synchronize();
    };
  }

  async function close(): Promise<void> {
    subscribers.clear();
    await connection[Symbol.asyncDispose]();
  }

  return { subscribe, [Symbol.asyncDispose]: close };
}

/** Sends what is queued in batches, one at a time; while one is on its way the next one gathers. */
async function createPublisher({ databaseUrl, onError }: PostgresRelayOptions) {
  const queue: { channel: string; payload: string }[] = [];
  let flushing: Promise<void> | null = null;

  const connection = await keepConnected({
    databaseUrl,
    applicationName: 'holdfast relay publisher',
    onReconnect: flush,
    onError,
  });

  function publish(taskId: string, message: RelayMessage): void {
    const channel = channelOf(taskId);
    for (const payload of payloadsOf(message)) queue.push({ channel, payload });
    if (queue.length > MAX_QUEUED) queue.splice(0, queue.length - MAX_QUEUED);
    flush();
  }

  function flush(): void {
    flushing ??= sendQueued().finally(() => (flushing = null));
  }

  async function sendQueued(): Promise<void> {
    while (queue.length > 0 && connection.isUp()) {
      const batch = queue.splice(0, MAX_BATCH);
      const values = [batch.map(({ channel }) => channel), batch.map(({ payload }) => payload)];
      await connection.query({ name: 'notify', text: NOTIFY, values }).catch(() => {});
    }
  }

  async function close(): Promise<void> {
    await flushing;
    await connection[Symbol.asyncDispose]();
  }

  return { publish, [Symbol.asyncDispose]: close };
}

function parse(
  payload: string | undefined,
  onError: (error: unknown) => void,
): RelayMessage | null {
  try {
    return JSON.parse(payload ?? '') as RelayMessage;
  } catch (error) {
    onError(error);
    return null;
  }
}
