import { createServer } from 'node:net';
import { once } from 'node:events';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../store/errors.ts';
import { openStore } from '../../store/open-store.ts';
import { openPostgres } from '../../store/postgres.ts';
import { eventually } from '../support/within.ts';
import { begin, completion, newId, newTask, rows, subjectOf, wholeLog } from './fixtures.ts';
import { storeContract } from './store-contract.ts';

const serverUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const reachable = await onServer('select 1').then(
  () => true,
  () => false,
);
if (reachable) describePostgres();
else console.log(`store on PostgreSQL: not tested, no server at ${new URL(serverUrl).host}`);

describe('store without a server', () => {
  it('throws StoreUnavailable where nothing listens, and where nobody answers', async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const open = () => openStore({ databaseUrl: `postgres://x@127.0.0.1:${port}/x`, dataDir: '' });
    await expect(open()).rejects.toBeInstanceOf(StoreUnavailable);
    silent.close();
    await once(silent, 'close');
    await expect(open()).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

function describePostgres(): void {
  const name = newId('holdfast_store');
  const databaseUrl = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  beforeAll(() => onServer(`create database ${name}`));
  afterAll(() => onServer(`drop database ${name} with (force)`));
  const endConnections = () =>
    onServer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);

  describe('store on PostgreSQL, its own', () => {
    it('brings one database up to date for several processes that start at once', async () => {
      const open = () => openStore({ databaseUrl, dataDir: '' });
      const stores = await Promise.all(Array.from({ length: 5 }, open));
      await Promise.all(stores.map((store) => store.ping()));
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
    });

    it('T8 makes one task of identical requests to several processes', async () => {
      await using one = await openStore({ databaseUrl, dataDir: '' });
      await using other = await openStore({ databaseUrl, dataDir: '' });
      const owner = newId('owner');
      const ask = (store: typeof one) =>
        store.acceptTask(newTask({ owner }), { key: 'k', requestHash: 'h' });
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) => ask(i % 2 ? one : other)),
      );
      expect(new Set(results.map((result) => result?.task.id)).size).toBe(1);
    });

    it('forgets a task whole or not at all, though its parent is told of its end meanwhile', async () => {
      await using database = await openPostgres(databaseUrl, { poolSize: 4 });
      const { store } = subjectOf(database);
      const [owner, conversation_id] = [newId('owner'), newId('conv')];
      const parent = await begin(store, { owner, conversation_id: newId('conv') });
      const first = await begin(store, { owner, conversation_id });
      await store.finishTask(completion(first, 'done'));
      const below = { task_id: parent.id };
      const child = await begin(store, { owner, conversation_id, parent: below });
      await store.finishTask(completion(child, 'done'));
      const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const holding = database.transaction(async (tx) => {
        await tx.execute(sql`select from task_segments where task_id = ${first.id} for update`);
        held.resolve();
        await released.promise;
      });
      await held.promise;
      const forgetting = store.forgetEndedTasks(conversation_id, owner);
      const waiting = `select pid from pg_stat_activity where datname = '${name}' and wait_event_type = 'Lock'`;
      await eventually(
        async () => (await rows(subjectOf(database), waiting)).length > 0,
        'it to wait for the log',
      );
      await store.markParentTold(child.id);
      released.resolve();
      await holding;
      expect(await forgetting).toEqual([first.id]);
      expect(await store.getTask(child.id)).toMatchObject({ status: 'COMPLETED' });
      expect(await wholeLog(store, child.id)).not.toEqual([]);
    });

    it('throws StoreUnavailable when the server ends a connection, and goes on with another', async () => {
      await using database = await openPostgres(databaseUrl, { poolSize: 2 });
      const { store } = subjectOf(database);
      const task = newTask();
      const cut = database.transaction(async (tx) => {
        await endConnections();
        await tx.execute(sql`select 1`);
      });
      await expect(cut).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await store.acceptTask(task)).toMatchObject({ created: true });
      await endConnections();
      await store.ping().catch((error: unknown) => expect(error).toBeInstanceOf(StoreUnavailable));
      expect(await store.getTask(task.id)).toMatchObject({ status: 'PENDING' });
    });

    it.each(['disk_full', 'out_of_memory'])('throws StoreUnavailable: %s', async (condition) => {
      await using database = await openPostgres(databaseUrl, { poolSize: 1 });
      const refused = sql.raw(`do $$ begin raise ${condition}; end $$`);
      const query = database.query((db) => db.execute(refused));
      await expect(query).rejects.toBeInstanceOf(StoreUnavailable);
      const transaction = database.transaction((tx) => tx.execute(refused));
      await expect(transaction).rejects.toBeInstanceOf(StoreUnavailable);
    });

    it('throws StoreUnavailable once it is closed, which may be asked for twice', async () => {
      const store = await openStore({ databaseUrl, dataDir: '' });
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

  storeContract('PostgreSQL', async () =>
    subjectOf(await openPostgres(databaseUrl, { connectTimeoutMs: 20_000 })),
  );
}

/** Runs one statement on a connection of its own. */
async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
