import type { Carrier, Notice } from './carrier.ts';
import { keepConnected, type KeptConnection } from './kept-connection.ts';
import { createAssembler } from './payloads.ts';
import { createSubscribers, type OnMessage, type Subscribers } from './subscribers.ts';

export interface Listener {
  /** Returns once the server delivers what is sent to the channel; the returned function ends the subscription. */
  subscribe(channel: string, onMessage: OnMessage): Promise<() => void>;
  close(): void;
}

/** One connection that listens to exactly the channels that have subscribers here. Throws where it cannot be opened. */
export async function createListener(
  carrier: Carrier,
  onError: (error: unknown) => void,
): Promise<Listener> {
  const subscribers = createSubscribers(onError);
  const assemble = createAssembler();
  const listened = new Set<string>();
  let last: Promise<void> = Promise.resolve();

  function deliver({ channel, payload }: Notice): void {
    try {
      const message = assemble(payload);
      if (message) subscribers.deliver(channel, message);
    } catch (error) {
      onError(error);
    }
  }

  const connection = await keepConnected({
    carrier,
    name: 'holdfast-relay-listener',
    onReconnect: () => {
      listened.clear();
      void synchronize();
    },
    onNotice: deliver,
    onError,
  });

  /** One at a time; whoever waits for its turn finds its own change made, alone or with others. */
  function synchronize(): Promise<void> {
    last = last.then(() => applyChanges({ connection, subscribers, listened }));
    return last;
  }

  return {
    async subscribe(channel, onMessage) {
      const remove = subscribers.add(channel, onMessage);
      await synchronize();
      return () => {
        remove();
        void synchronize();
      };
    },
    close() {
      subscribers.clear();
      connection.close();
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
  try {
    await connection.request((server) => server.listen(added, removed));
  } catch {
    return;
  }
  for (const channel of added) listened.add(channel);
  for (const channel of removed) listened.delete(channel);
}
