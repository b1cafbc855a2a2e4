import { NoPostgres, openOwnDatabase } from '../../cluster/own-database.ts';
import { POSTGRES_URL } from '../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** A PostgreSQL database of one service's own, behind a proxy that takes it away. */
export interface ProxiedDatabase extends AsyncDisposable {
  /** For `DATABASE_URL`. */
  readonly url: string;
  readonly proxy: TcpProxy;
  /** The next `times` commits are carried out, and reported as lost connections; gives how many were so far. */
  denyCommits(times: number): () => number;
  /** Holds a connection of the service for good when it next comes to that moment; resolves then. */
  holdAt(moment: Moment): Promise<void>;
}

/** A moment of a connection that sends these statements, in this order. `before` and `after` the last of them is carried out. */
export interface Moment {
  statements: readonly string[];
  when: 'before' | 'after';
}

/** Makes a database; null where no PostgreSQL server can be reached. Disposing it drops it. */
export async function openDatabase(): Promise<ProxiedDatabase | null> {
  await using resources = new AsyncDisposableStack();
  try {
    const database = resources.use(await openOwnDatabase(POSTGRES_URL, 'faults'));
    const url = new URL(database.url);
    const target = { host: url.hostname, port: Number(url.port || 5432) };
    const proxy = resources.use(await startTcpProxy(target));
    const opened = resources.move();
    return {
      denyCommits: (times) => denyCommits(proxy, times),
      holdAt: (moment) => holdAt(proxy, moment),
      url: Object.assign(url, { host: `127.0.0.1:${proxy.port}` }).href,
      proxy,
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (error) {
    if (!(error instanceof NoPostgres)) throw error;
    console.log(`${error.message}: PGlite only`);
    return null;
  }
}

/** As node-postgres sends it. */
export const COMMIT = 'commit\0';

function denyCommits(proxy: TcpProxy, times: number): () => number {
  let denied = 0;
  proxy.intercept((sent) => {
    if (denied >= times || !sent.includes(COMMIT)) return null;
    denied += 1;
    return { holdBack: 'reply', held: (cut) => cut() };
  });
  return () => denied;
}

function holdAt(proxy: TcpProxy, { statements, when }: Moment): Promise<void> {
  const sentOn = new WeakMap<object, number>();
  const { promise, resolve } = Promise.withResolvers<void>();
  proxy.intercept((sent, connection) => {
    const n = sentOn.get(connection) ?? 0;
    if (!sent.includes(statements[n]!)) return null;
    sentOn.set(connection, n + 1);
    if (n + 1 < statements.length) return null;
    proxy.intercept(() => null);
    return { holdBack: when === 'before' ? 'request' : 'reply', held: () => resolve() };
  });
  return promise;
}
