import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 5_000;
/** How often an idle connection is asked whether it still lives: a black hole sends no error. */
const PING_MS = 10_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

export interface ConnectionOptions {
  databaseUrl: string;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** A new connection stands in the place of a lost one. */
  onReconnect(): void;
  onNotification?(notification: pg.Notification): void;
  onError(error: unknown): void;
}

/** One PostgreSQL connection that comes back by itself. */
export interface KeptConnection extends AsyncDisposable {
  isUp(): boolean;
  /** Runs after the queries before it. One that fails costs the connection, which is then made anew. */
  query(query: string | pg.QueryConfig): Promise<void>;
}

interface Link {
  options: ConnectionOptions;
  /** Null while the connection is lost. */
  client: pg.Client | null;
  closed: boolean;
  retryTimer?: NodeJS.Timeout;
}

/** Connects, and connects again whenever the connection is lost. Throws where the first attempt fails. */
export async function keepConnected(options: ConnectionOptions): Promise<KeptConnection> {
  const link: Link = { options, client: null, closed: false };
  let last: Promise<unknown> = Promise.resolve();

  /** node-postgres wants one query at a time on a connection. */
  function query(request: string | pg.QueryConfig): Promise<void> {
    const result = last.then(() => run(link, request));
    last = result.catch(() => {});
    return result;
  }

  await open(link);
  const pingTimer = setInterval(() => {
    if (link.client) query('select 1').catch(() => {});
  }, PING_MS);

  return {
    isUp: () => link.client !== null,
    query,
    async [Symbol.asyncDispose]() {
      clearInterval(pingTimer);
      await close(link);
    },
  };
}

async function open(link: Link): Promise<void> {
  const client = createClient(link.options);
  client.on('error', (error) => lose(link, client, error));
  client.on('end', () => lose(link, client, new Error('the relay lost its connection')));
  await client.connect();
  if (link.closed) await end(client);
  else link.client = client;
}

/** Only the first notice of a loss counts; one about a connection that never stood goes to whoever opened it. */
function lose(link: Link, client: pg.Client, error: unknown): void {
  if (link.client !== client) return;
  link.client = null;
  link.options.onError(error);
  void end(client);
  retry(link, 0);
}

function retry(link: Link, attempt: number): void {
  if (link.closed) return;
  const waitMs = Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS);
  const jitter = 0.5 + Math.random() / 2;
  link.retryTimer = setTimeout(() => {
    open(link).then(link.options.onReconnect, (error: unknown) => {
      link.options.onError(error);
      retry(link, attempt + 1);
    });
  }, waitMs * jitter);
}

async function run(link: Link, query: string | pg.QueryConfig): Promise<void> {
  const { client } = link;
  if (!client) throw new Error('the relay is not connected');
  try {
    await client.query(query);
  } catch (error) {
    lose(link, client, error);
    throw error;
  }
}

async function close(link: Link): Promise<void> {
  link.closed = true;
  clearTimeout(link.retryTimer);
  const { client } = link;
  link.client = null;
  if (client) await end(client);
}

function createClient(options: ConnectionOptions): pg.Client {
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  });
  if (options.onNotification) client.on('notification', options.onNotification);
  return client;
}

/** Closes, but waits only so long for a server that does not answer. */
async function end(client: pg.Client): Promise<void> {
  const tooLong = delay(CLOSE_TIMEOUT_MS, undefined, { ref: false });
  await Promise.race([client.end().catch(() => {}), tooLong]);
}
