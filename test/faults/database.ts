import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const SERVER = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A PostgreSQL database of one service's own, behind a proxy that takes it away. */
export interface OwnDatabase extends AsyncDisposable {
  /** For `DATABASE_URL`. */
  readonly url: string;
  readonly proxy: TcpProxy;
}

/** Makes a database; null where no PostgreSQL server can be reached. Disposing it drops it. */
export async function openDatabase(): Promise<OwnDatabase | null> {
  const name = `holdfast_faults_${randomBytes(6).toString('hex')}`;
  try {
    await onServer(`create database ${name}`);
  } catch (error) {
    console.log(`no PostgreSQL at ${new URL(SERVER).host} (${String(error)}): PGlite only`);
    return null;
  }
  const { hostname: host, port } = new URL(SERVER);
  const proxy = await startTcpProxy({ host, port: Number(port || 5432) });
  return {
    url: Object.assign(new URL(SERVER), { host: `127.0.0.1:${proxy.port}`, pathname: `/${name}` })
      .href,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await onServer(`drop database ${name} with (force)`);
    },
  };
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
