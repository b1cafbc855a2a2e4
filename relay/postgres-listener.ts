import { keepConnected, type KeptConnection } from './postgres-connection.ts';
import type { Relay, RelayMessage } from './relay.ts';
import { createSubscribers, type Subscribers } from './subscribers.ts';

export interface ListenerOptions {
  databaseUrl: string;
  /** The channel of a task: safe to write unquoted, at most 63 bytes. */
  channelOf(taskId: string): string;
  onError(error: unknown): void;
}

/** One connection that listens to exactly the channels that have subscribers here. */
export async function createListener(
  options: ListenerOptions,
): Promise<Pick<Relay, 'subscribe'> & AsyncDisposable> {
  const { databaseUrl, channelOf, onError } = options;
  const subscribers = createSubscribers(onError);
  const listened = new Set<string>();
  let last: Promise<void> = Promise.resolve();

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

  /** One at a time; whoever waits for its turn finds its own change made, alone or with others. */
  function synchronize(): Promise<void> {
    last = last.then(() => applyChanges({ connection, subscribers, listened }));
    return last;
  }

  return {
    async subscribe(taskId, onMessage) {
      const remove = subscribers.add(channelOf(taskId), onMessage);
      await synchronize();
      return () => {
        remove();
        void synchronize();
      };
    },
    async [Symbol.asyncDispose]() {
      subscribers.clear();
      await connection[Symbol.asyncDispose]();
    },
  };
}

interface Listening {
  connection: KeptConnection;
  subscribers: Subscribers;
  /** Channels that the connection listens to. */
  listened: Set<string>;
}

/** One round trip for all that changed since the last one. A failure is healed by the next connection. */
async function applyChanges({ connection, subscribers, listened }: Listening): Promise<void> {
  const added = subscribers.channels().filter((channel) => !listened.has(channel));
  const removed = [...listened].filter((channel) => !subscribers.has(channel));
  if (added.length + removed.length === 0 || !connection.isUp()) return;
  const listens = added.map((channel) => `LISTEN ${channel}`);
  const unlistens = removed.map((channel) => `UNLISTEN ${channel}`);
  try {
    await connection.query([...listens, ...unlistens].join(';'));
  } catch {
    return;
  }
  for (const channel of added) listened.add(channel);
  for (const channel of removed) listened.delete(channel);
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
