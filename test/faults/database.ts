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
const COMMIT = Buffer.from('commit\0');

function denyCommits(proxy: TcpProxy, times: number): () => number {
  let denied = 0;
  proxy.cutReplies((sent) => {
    if (denied >= times || !sent.includes(COMMIT)) return false;
    denied += 1;
    return true;
  });
  return () => denied;
}
