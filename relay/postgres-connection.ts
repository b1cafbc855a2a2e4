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

/** Connects, and connects again whenever the connection is lost. Throws where the first attempt fails. */
export async function keepConnected(options: ConnectionOptions): Promise<KeptConnection> {
  let client: pg.Client | null = null;
  let closed = false;
  let retryTimer: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function open(): Promise<void> {
    const next = createClient(options);
    next.on('error', (error) => lose(next, error));
    next.on('end', () => lose(next, new Error('the connection was closed')));
    await next.connect();
    if (closed) return end(next);
    client = next;
  }

  /** Only the first notice of a loss counts; a connection that never stood has its caller. */
  function lose(which: pg.Client, error: unknown): void {
    if (which !== client) return;
    client = null;
    options.onError(error);
    void end(which);
    retry(0);
  }

  function retry(attempt: number): void {
    if (closed) return;
    const waitMs =
      Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS) * (0.5 + Math.random() / 2);
    retryTimer = setTimeout(() => {
      open().then(options.onReconnect, (error: unknown) => {
        options.onError(error);
        retry(attempt + 1);
      });
    }, waitMs);
  }

  async function run(query: string | pg.QueryConfig): Promise<void> {
    const current = client;
    if (!current) throw new Error('the relay is not connected');
    try {
      await current.query(query);
    } catch (error) {
      lose(current, error);
      throw error;
    }
  }

  function query(request: string | pg.QueryConfig): Promise<void> {
    const result = turn.then(() => run(request));
    turn = result.catch(() => {});
    return result;
  }

  await open();
  const pingTimer = setInterval(() => {
    if (client) query('select 1').catch(() => {});
  }, PING_MS);

  return {
    isUp: () => client !== null,
    query,
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(retryTimer);
      clearInterval(pingTimer);
      const last = client;
      client = null;
      if (last) await end(last);
    },
  };
}

function createClient({
  databaseUrl,
  applicationName,
  onNotification,
}: ConnectionOptions): pg.Client {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  });
  if (onNotification) client.on('notification', onNotification);
  return client;
}

/** Closes, but waits only so long for a server that does not answer. */
async function end(client: pg.Client): Promise<void> {
  await Promise.race([
    client.end().catch(() => {}),
    delay(CLOSE_TIMEOUT_MS, undefined, { ref: false }),
  ]);
}
