import type { Carrier } from './carrier.ts';
import { createInProcessRelay } from './in-process.ts';
import { postgresCarrier } from './postgres.ts';
import { redisCarrier } from './redis.ts';
import type { Relay } from './relay.ts';
import { openServerRelay } from './server-relay.ts';

export interface RelayOptions {
  /** `RELAY_URL`: wins over the database. `in-process`: for a process that is API and worker, and the only one. */
  relayUrl?: string | undefined;
  /** `DATABASE_URL`: where there is a shared database, it carries the relay too. */
  databaseUrl?: string | undefined;
  /** Hears of lost connections, foreign payloads and subscribers that throw. */
  onError?: (error: unknown) => void;
}

/** No relay speaks this URL, or its server cannot be reached, or refuses. */
export class RelayUnavailable extends Error {
  override name = 'RelayUnavailable';
}

/** The relay that the configuration asks for. Throws `RelayUnavailable`. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const { relayUrl, databaseUrl, onError = () => {} } = options;
  const url = relayUrl ?? databaseUrl;
  if (url === undefined || url === 'in-process') return createInProcessRelay(onError);
  const { protocol = '', host = '' } = URL.parse(url) ?? {};
  const carrierFor = carrierOf(protocol);
  try {
    return await openServerRelay(carrierFor(url), onError);
  } catch (error) {
    // Without the credentials that the URL may hold.
    const reason = `the relay cannot use ${protocol}//${host}: ${reasonOf(error)}`;
    throw new RelayUnavailable(reason, { cause: error });
  }
}

function carrierOf(protocol: string): (url: string) => Carrier {
  if (/^postgres(ql)?:$/.test(protocol)) return postgresCarrier;
  if (/^rediss?:$/.test(protocol)) return redisCarrier;
  throw new RelayUnavailable(
    'RELAY_URL must be a postgres://, redis:// or rediss:// URL, or in-process',
  );
}

/** Node's error for a name with several addresses has a code and no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String((error as { code?: unknown }).code);
}
