import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { pid } from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { StoreInUse } from './errors.ts';

export interface FolderLock {
  /** Gives the folder free. A second call does nothing. */
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Keeps other processes, and a second opening in this one, out of a folder, by `<folder>.lock` beside it. The lock is the
 * operating system's, taken through SQLite: it ends with its process, however that ends, so nothing stale is ever left
 * behind and no process id is trusted. `<folder>.pid` only tells people who holds it. Throws `StoreInUse`.
 */
export function lockFolder(folder: string): FolderLock {
  const pidFile = `${folder}.pid`;
  const file = new DatabaseSync(`${folder}.lock`, { timeout: 0 });
  try {
    file.exec('begin exclusive');
  } catch (error) {
    file.close();
    throw isBusy(error) ? inUse(folder, pidFile) : error;
  }
  writeFileSync(pidFile, String(pid));
  return {
    release() {
      if (!file.isOpen) return;
      rmSync(pidFile, { force: true });
      file.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: unknown }).errcode === SQLITE_BUSY;
}

function inUse(folder: string, pidFile: string): StoreInUse {
  return new StoreInUse(
    `${folder} is open in process ${ownerOf(pidFile)}, and the embedded database takes one process. ` +
      'Stop that process, or set another DATA_DIR, or a DATABASE_URL.',
  );
}

function ownerOf(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8');
  } catch {
    return '(unknown)';
  }
}
