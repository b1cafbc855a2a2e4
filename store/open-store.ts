import { join } from 'node:path';
import { createStore } from './create-store.ts';
import { openPgliteFolder, openPgliteMemory } from './pglite.ts';
import { openPostgres } from './postgres.ts';
import type { Store } from './store.ts';

export interface StoreOptions {
  /** Left out: the embedded database in `<dataDir>/store`. */
  databaseUrl?: string | undefined;
  dataDir: string;
  /** Most connections to PostgreSQL at once. Default 10. */
  poolSize?: number | undefined;
}

/**
 * Opens the store and brings its schema up to date; several processes may do so at once on PostgreSQL. Throws
 * `StoreUnavailable` where PostgreSQL does not answer, `StoreInUse` where another process has the folder open.
 */
export async function openStore({ databaseUrl, dataDir, poolSize }: StoreOptions): Promise<Store> {
  const database = databaseUrl
    ? await openPostgres(databaseUrl, poolSize ?? 10)
    : await openPgliteFolder(join(dataDir, 'store'));
  return createStore(database);
}

/** A store that is gone with its process, for tests. */
export async function openMemoryStore(): Promise<Store> {
  return createStore(await openPgliteMemory());
}
