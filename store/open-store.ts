import { join } from 'node:path';
import { createStore } from './create-store.ts';
import { openPgliteFolder, openPgliteMemory } from './pglite.ts';
import { openPostgres, type PoolOptions } from './postgres.ts';
import type { Store } from './store.ts';
import type { TreeLimits } from './tree.ts';

export interface StoreOptions extends PoolOptions {
  /** Left out: the embedded database in `<dataDir>/store`. */
  databaseUrl?: string | undefined;
  dataDir: string;
  tree?: TreeLimits;
}

/**
 * Opens the store and brings its schema up to date; several processes may do so at once on PostgreSQL. Throws
 * `StoreUnavailable` where PostgreSQL does not answer, `StoreInUse` where another process has the folder open.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { databaseUrl, dataDir, tree, ...pool } = options;
  const database = databaseUrl
    ? await openPostgres(databaseUrl, pool)
    : await openPgliteFolder(join(dataDir, 'store'));
  return createStore(database, tree);
}

/** A store that is gone with its process, for tests. */
export async function openMemoryStore(): Promise<Store> {
  return createStore(await openPgliteMemory());
}
