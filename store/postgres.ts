import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { MIGRATIONS_FOLDER, type Database, type Queries } from './database.ts';
import { isLost, orStoreError } from './errors.ts';

/** Any number that nothing else in the database uses as an advisory lock. */
const MIGRATION_LOCK = 4_711_202_611;
const MIGRATION_TIMEOUT_MS = 60_000;
const POOL_SIZE = 10;
/** To connect, and to wait for a connection of the pool. */
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** Later than the server's own time-out: it ends a query whose connection has gone silent. */
const SILENCE_TIMEOUT_MS = 12_000;
const POOL_SETTINGS = `set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set idle_in_transaction_session_timeout = ${STATEMENT_TIMEOUT_MS}`;

export interface PoolOptions {
  /** Most connections to PostgreSQL at once. Default 10. */
  poolSize?: number | undefined;
  /** Longest wait for one of them, in milliseconds. Default 5000. */
  connectTimeoutMs?: number | undefined;
}

/** Brings the schema up to date and opens a pool of connections. Throws `StoreUnavailable`. */
export async function openPostgres(databaseUrl: string, options: PoolOptions): Promise<Database> {
  await orStoreError(migratePostgres(databaseUrl));
  const pool = createPool(databaseUrl, options);
  const db = drizzle(pool);
  return {
    query: (work) => orStoreError(work(db)),
    transaction: (work) => orStoreError(inTransaction(pool, work)),
    async [Symbol.asyncDispose]() {
      if (!pool.ending) await pool.end();
    },
  };
}

function createPool(connectionString: string, options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: options.poolSize ?? POOL_SIZE,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    query_timeout: SILENCE_TIMEOUT_MS,
    keepAlive: true,
    // Not as parameters of the connection: PgBouncer refuses a client that brings some.
    onConnect: setUp,
  });
  // An 'error' event without a listener ends the process. The pool drops a broken idle connection by itself; on one
  // that is in use, the next statement rejects.
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

/** pg's types do not know that the pool waits for it. */
async function setUp(client: pg.ClientBase): Promise<void> {
  await client.query(POOL_SETTINGS);
}

/** Not Drizzle's own transaction: that one gives a lost connection back to the pool, after waiting for its rollback. */
async function inTransaction<T>(pool: pg.Pool, work: (tx: Queries) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(drizzle(client));
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    client.release(isLost(error) || !(await rolledBack(client)));
    throw error;
  }
}

/** Brings the connection to rest, or tells that it must be dropped. */
async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}

/** The lock lets one process migrate when several start at once; closing the connection gives it back. */
async function migratePostgres(connectionString: string): Promise<void> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on('error', ignore);
  try {
    await client.connect();
    await client.query(`set statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(drizzle(client), { migrationsFolder: MIGRATIONS_FOLDER });
  } finally {
    await client.end();
  }
}

function ignore(): void {}
