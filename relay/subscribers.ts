import type { RelayMessage } from './relay.ts';

export type OnMessage = (message: RelayMessage) => void;

/** Who listens to which channel in this process. A channel without listeners takes no memory. */
export interface Subscribers {
  /** Adds a listener; the returned function removes it, and may be called twice. */
  add(channel: string, onMessage: OnMessage): () => void;
  /** Hands the message to every listener of the channel. One that throws is reported and does not stop the others. */
  deliver(channel: string, message: RelayMessage): void;
  has(channel: string): boolean;
  channels(): string[];
  clear(): void;
}

/** `onError` hears what listeners throw: they must not, so it is a bug of theirs. */
export function createSubscribers(onError: (error: unknown) => void): Subscribers {
  const listeners = new Map<string, Set<{ onMessage: OnMessage }>>();

  function add(channel: string, onMessage: OnMessage): () => void {
    const listener = { onMessage };
    const group = listeners.get(channel) ?? new Set();
    listeners.set(channel, group.add(listener));
    return () => {
      group.delete(listener);
      if (group.size === 0 && listeners.get(channel) === group) listeners.delete(channel);
    };
  }

  function deliver(channel: string, message: RelayMessage): void {
    for (const { onMessage } of [...(listeners.get(channel) ?? [])]) {
      try {
        onMessage(message);
      } catch (error) {
        onError(error);
      }
    }
  }

  return {
    add,
    deliver,
    has: (channel) => listeners.has(channel),
    channels: () => [...listeners.keys()],
    clear: () => listeners.clear(),
  };
}
