import type { Carrier, CarrierConnection, ConnectionOptions } from './carrier.ts';

const ANSWER_TIMEOUT_MS = 5_000;
/** How often an idle connection is asked whether it still lives: a black hole sends no error. */
const PING_MS = 10_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;

export interface KeptOptions extends Pick<ConnectionOptions, 'name' | 'onNotice'> {
  carrier: Carrier;
  /** A new connection stands in the place of a lost one. */
  onReconnect(): void;
  onError(error: unknown): void;
}

/** A connection that comes back by itself. */
export interface KeptConnection {
  isUp(): boolean;
  /** Waits for the requests before it. One that fails, or is not answered in time, costs the connection, which is then made anew. */
  request(ask: (connection: CarrierConnection) => Promise<unknown>): Promise<void>;
  close(): void;
}

/** Connects, and connects again whenever the connection is lost. Throws where the first attempt fails. */
export async function keepConnected(options: KeptOptions): Promise<KeptConnection> {
  const { carrier, name, onNotice, onReconnect, onError } = options;
  /** Null while the connection is lost. */
  let current: CarrierConnection | null = null;
  let closed = false;
  /** Losses and failed attempts since something was answered. */
  let failures = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function open(): Promise<void> {
    const connection = carrier({ name, onNotice, onLost: (error) => lose(connection, error) });
    try {
      await inTime(connection.open());
    } catch (error) {
      connection.close();
      throw error;
    }
    if (closed) connection.close();
    else current = connection;
  }

  /** Only the first notice of a loss counts; one about a connection that never stood goes to whoever opened it. */
  function lose(connection: CarrierConnection, error: unknown): void {
    if (current !== connection) return;
    current = null;
    connection.close();
    retry(error);
  }

  function retry(error: unknown): void {
    if (closed) return;
    onError(error);
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS);
    failures += 1;
    retryTimer = setTimeout(() => open().then(onReconnect, retry), waitMs * jitter());
  }

  async function run(ask: (connection: CarrierConnection) => Promise<unknown>): Promise<void> {
    const connection = current;
    if (!connection) throw new Error('the relay is not connected');
    try {
      await inTime(ask(connection));
      failures = 0;
    } catch (error) {
      lose(connection, error);
      throw error;
    }
  }

  function request(ask: (connection: CarrierConnection) => Promise<unknown>): Promise<void> {
    const result = last.then(() => run(ask));
    last = result.catch(() => {});
    return result;
  }

  await open();
  const pingTimer = setInterval(() => {
    if (current) request((connection) => connection.ping()).catch(() => {});
  }, PING_MS);

  return {
    isUp: () => current !== null,
    request,
    close() {
      closed = true;
      clearInterval(pingTimer);
      clearTimeout(retryTimer);
      current?.close();
      current = null;
    },
  };
}

/** Processes that lost the same server do not all come back at once. */
function jitter(): number {
  return 0.5 + Math.random() / 2;
}

async function inTime(work: Promise<unknown>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)),
    ANSWER_TIMEOUT_MS,
  );
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
