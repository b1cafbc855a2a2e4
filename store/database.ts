import { fileURLToPath } from 'node:url';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** What the queries are written against: a database or a transaction, of either driver. */
export type Queries = PgDatabase<PgQueryResultHKT>;

/** An open database. Both methods throw `StoreUnavailable` when it is lost; other errors are the driver's own. */
export interface Database extends AsyncDisposable {
  /** For work of one statement, which is a transaction by itself. */
  query<T>(work: (db: Queries) => Promise<T>): Promise<T>;
  /** Commits when `work` resolves, rolls back when it rejects. */
  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T>;
}

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));
