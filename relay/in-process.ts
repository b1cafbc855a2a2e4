import type { Relay } from './relay.ts';
import { createSubscribers } from './subscribers.ts';

/**
 * The relay of a process that is API and worker at once: a message reaches every subscriber before `publish` returns.
 * `onError` hears what a subscriber throws.
 */
export function createInProcessRelay(onError: (error: unknown) => void = () => {}): Relay {
  const subscribers = createSubscribers(onError);
  return {
    publish: subscribers.deliver,
    subscribe: async (taskId, onMessage) => subscribers.add(taskId, onMessage),
    [Symbol.asyncDispose]: async () => subscribers.clear(),
  };
}
