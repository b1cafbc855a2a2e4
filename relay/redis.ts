import { createClient } from '@redis/client';
import type { Carrier } from './carrier.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Redis pub/sub. The client's own reconnection stays off: it gives no deadline to a command once it is written, so that a
 * black hole would hold it for as long as the kernel waits.
 */
export function redisCarrier(url: string): Carrier {
  // Making a client makes a class with all of Redis' commands; a duplicate shares it.
  const template = createClient({
    url,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
    // No timer for each command: a whole request has a deadline.
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled',
  });
  return ({ name, onLost, onNotice }) => {
    const client = template.duplicate({ name });
    client.on('error', onLost);
    const onMessage = (payload: string, channel: string) => onNotice({ channel, payload });
    return {
      open: () => client.connect(),
      listen: (added, removed) =>
        Promise.all([
          added.length > 0 && client.subscribe([...added], onMessage),
          removed.length > 0 && client.unsubscribe([...removed]),
        ]),
      // What is asked in the same moment travels as one pipeline.
      send: (notices) =>
        Promise.all(notices.map(({ channel, payload }) => client.publish(channel, payload))),
      ping: () => client.ping(),
      close: () => client.destroy(),
    };
  };
}
