import { randomBytes } from 'node:crypto';
import pg from 'pg';

const CONNECT_MS = 5_000;

/** A database that nobody else uses. Disposing it drops it, whoever is connected. */
export interface OwnDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** No PostgreSQL server answers, or it allows no new database. */
export class NoPostgres extends Error {
  override name = 'NoPostgres';
}

/** Makes a database `holdfast_<purpose>_…` on the server that `serverUrl` names. Throws `NoPostgres`. */
export async function openOwnDatabase(serverUrl: string, purpose: string): Promise<OwnDatabase> {
  const name = `holdfast_${purpose}_${randomBytes(6).toString('hex')}`;
  const { host } = new URL(serverUrl);
  await onServer(serverUrl, `create database ${name}`).catch((error: unknown) => {
    throw new NoPostgres(`PostgreSQL at ${host} gives no database: ${String(error)}`);
  });
  return {
    name,
    url: Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href,
    [Symbol.asyncDispose]: () => onServer(serverUrl, `drop database ${name} with (force)`),
  };
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({
    connectionString: serverUrl,
    connectionTimeoutMillis: CONNECT_MS,
  });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
