import { hash } from 'node:crypto';
import type { Carrier } from './carrier.ts';
import { createListener } from './listener.ts';
import { createPublisher } from './publisher.ts';
import type { Relay } from './relay.ts';

/**
 * A relay between processes, with a connection to listen and one to publish. While the server is away, `subscribe` still
 * returns, and messages are lost until a connection stands again. `onError` hears of lost connections, foreign payloads and
 * subscribers that throw. Throws where the first connections fail.
 */
export async function openServerRelay(
  carrier: Carrier,
  onError: (error: unknown) => void,
): Promise<Relay> {
  const listener = await createListener(carrier, onError);
  const publisher = await createPublisher(carrier, onError).catch((error: unknown) => {
    listener.close();
    throw error;
  });
  return {
    publish: (taskId, message) => publisher.publish(channelOf(taskId), message),
    subscribe: (taskId, onMessage) => listener.subscribe(channelOf(taskId), onMessage),
    async [Symbol.asyncDispose]() {
      listener.close();
      await publisher.close();
    },
  };
}

/** A hash, because PostgreSQL cuts a name of more than 63 bytes, and an unquoted one may not hold everything an id may. */
export function channelOf(taskId: string): string {
  return `holdfast_${hash('sha256', taskId).slice(0, 40)}`;
}
