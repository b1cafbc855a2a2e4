import { createHash } from 'node:crypto';
import { createListener } from './postgres-listener.ts';
import { createPublisher } from './postgres-publisher.ts';
import type { Relay } from './relay.ts';

export interface PostgresRelayOptions {
  databaseUrl: string;
  /** Hears of lost connections, foreign payloads and subscribers that throw. */
  onError: (error: unknown) => void;
}

/**
 * The relay over LISTEN/NOTIFY, with a connection to listen and one to publish. The URL must lead to PostgreSQL itself
 * or to a pooler in session mode: LISTEN belongs to a session. While the database is away, `subscribe` still returns,
 * and messages are lost until the connection stands again. Throws where the first connection fails.
 */
export async function createPostgresRelay(options: PostgresRelayOptions): Promise<Relay> {
  const listener = await createListener({ ...options, channelOf });
  const publisher = await createPublisher({ ...options, channelOf }).catch(
    async (error: unknown) => {
      await listener[Symbol.asyncDispose]();
      throw error;
    },
  );
  return {
    publish: publisher.publish,
    subscribe: listener.subscribe,
    async [Symbol.asyncDispose]() {
      await Promise.all([publisher[Symbol.asyncDispose](), listener[Symbol.asyncDispose]()]);
    },
  };
}

/** A hash, because a name of more than 63 bytes would be cut, and an unquoted one may not hold everything an id may. */
function channelOf(taskId: string): string {
  return `holdfast_${createHash('sha256').update(taskId).digest('hex').slice(0, 40)}`;
}
