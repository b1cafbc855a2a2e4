import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { MIGRATIONS_FOLDER, type Database } from './database.ts';
import { orStoreError } from './errors.ts';
import { lockFolder } from './folder-lock.ts';

/** Opens the embedded database of a folder, which is made where it is absent. Throws `StoreInUse`. */
export async function openPgliteFolder(folder: string): Promise<Database> {
  await mkdir(dirname(folder), { recursive: true });
  const lock = lockFolder(folder);
  try {
    return await openPglite(folder, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** An embedded database in memory, gone with the process. */
export function openPgliteMemory(): Promise<Database> {
  return openPglite('memory://', () => undefined);
}

async function openPglite(dataDir: string, onClosed: () => void): Promise<Database> {
  const client = await PGlite.create(dataDir);
  const db = drizzle(client);
  await migrate(db, { migrationsFolder: MIGRATIONS_FOLDER }).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  return {
    query: (work) => orStoreError(work(db)),
    transaction: (work) => orStoreError(db.transaction(work)),
    async [Symbol.asyncDispose]() {
      if (client.closed) return;
      await client.close();
      onClosed();
    },
  };
}
