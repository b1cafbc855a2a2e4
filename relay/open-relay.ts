import { createInProcessRelay } from './in-process.ts';
import { createPostgresRelay } from './postgres.ts';
import type { Relay } from './relay.ts';

export interface RelayOptions {
  /** `RELAY_URL`: wins over the database. */
  relayUrl?: string | undefined;
  /** `DATABASE_URL`: where there is a shared database, it carries the relay too. */
  databaseUrl?: string | undefined;
  /** Hears of lost connections and of subscribers that throw. */
  onError?: (error: unknown) => void;
}

/** The relay that the configuration asks for. Throws for a URL that no relay speaks, and where the server cannot be reached. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const { relayUrl, databaseUrl, onError = () => {} } = options;
  const url = relayUrl ?? databaseUrl;
  if (url === undefined) return createInProcessRelay(onError);
  const scheme = URL.parse(url)?.protocol ?? '';
  if (/^postgres(ql)?:$/.test(scheme)) return createPostgresRelay({ databaseUrl: url, onError });
  if (/^rediss?:$/.test(scheme)) {
    throw new Error('RELAY_URL: Redis is not supported yet; use postgres://… or leave it out');
  }
  throw new Error(`RELAY_URL: no relay speaks ${scheme || 'this URL'}; use postgres://…`);
}
