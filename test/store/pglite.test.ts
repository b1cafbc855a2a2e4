import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { StoreInUse, StoreUnavailable } from '../../store/errors.ts';
import { openMemoryStore, openStore } from '../../store/open-store.ts';
import { openPgliteFolder, openPgliteMemory } from '../../store/pglite.ts';
import { newId, newTask, subjectOf } from './fixtures.ts';
import { storeContract } from './store-contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

const HOLD_STORE = fileURLToPath(new URL('./hold-store.ts', import.meta.url));

storeContract('PGlite in memory', async () => subjectOf(await openPgliteMemory()));

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
storeContract('PGlite in a folder', async () =>
  subjectOf(await openPgliteFolder(join(folder.path, 'deep', 'store'))),
);

describe('store on PGlite, its own', () => {
  it('T9 gives the same task for a key after it was closed and opened again', async () => {
    await using place = await temporaryFolder();
    const key = { key: 'k', requestHash: 'h' };
    const task = newTask();
    {
      await using store = await openStore({ dataDir: place.path });
      await store.acceptTask(task, key);
    }
    await using store = await openStore({ dataDir: place.path });
    const again = await store.acceptTask(newTask({ owner: task.owner }), key);
    expect(again).toMatchObject({ created: false, task: { id: task.id } });
  });

  it('refuses a folder that is open in this process', async () => {
    await using place = await temporaryFolder();
    await using _store = await openStore({ dataDir: place.path });
    await expect(openStore({ dataDir: place.path })).rejects.toBeInstanceOf(StoreInUse);
  });

  it('refuses a folder that another process has open, by its id, and takes it when that was killed', async () => {
    await using place = await temporaryFolder();
    const task = newTask();
    const holder = spawn(execPath, [HOLD_STORE, place.path, JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      const refused = openStore({ dataDir: place.path });
      await expect(refused).rejects.toThrow(`process ${holder.pid}`);
      await expect(refused).rejects.toThrow('DATA_DIR');
    } finally {
      const gone = once(holder, 'exit');
      holder.kill('SIGKILL');
      await gone;
    }
    await using store = await openStore({ dataDir: place.path });
    expect(await store.getTask(task.id)).toMatchObject({ status: 'PENDING' });
  });

  it('throws StoreUnavailable once it is closed, which may be asked for twice', async () => {
    const store = await openMemoryStore();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    const owner = newId('owner');
    const starts = await Promise.allSettled(
      [1, 2, 3].map(() => store.acceptTask(newTask({ owner }))),
    );
    const reason: unknown = expect.any(StoreUnavailable);
    expect(starts).toEqual(starts.map(() => ({ status: 'rejected', reason })));
  });
});
