import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPostgresRelay } from '../../relay/postgres.ts';
import type { Relay } from '../../relay/relay.ts';
import { delta, describeRelay, listen, settle, type Carrier } from './relay-contract.ts';

const serverUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const DEADLINE_MS = 20_000;

const reachable = await withServer(async () => true).catch(() => false);
if (!reachable)
  console.log(`relay on PostgreSQL: not tested, no server at ${new URL(serverUrl).host}`);
else describePostgres();

/** Runs one piece of work on a connection of its own. */
async function withServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 2_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function describePostgres(): void {
  const database = `holdfast_relay_${randomUUID().replaceAll('-', '')}`;
  const databaseUrl = Object.assign(new URL(serverUrl), { pathname: `/${database}` }).href;
  const errors: unknown[] = [];
  const openRelay = () =>
    createPostgresRelay({ databaseUrl, onError: (error) => errors.push(error) });
  const openCarrier = async (): Promise<Carrier> => {
    const [publisher, subscriber] = await Promise.all([openRelay(), openRelay()]);
    const close = async () => void (await Promise.all([publisher, subscriber].map(dispose)));
    return { publisher, subscriber, close };
  };
  beforeAll(() => withServer((client) => client.query(`create database ${database}`)));
  afterAll(() => withServer((client) => client.query(`drop database ${database} with (force)`)));

  describeRelay('PostgreSQL', openCarrier);

  describe('relay on PostgreSQL, its own', () => {
    let carrier: Carrier;
    beforeAll(async () => {
      carrier = await openCarrier();
    });
    afterAll(() => carrier.close());

    it('heals when the server ends its connections: subscriptions stand again', async () => {
      const { messages } = await listen(carrier.subscriber, 'task_healed');
      expect(await endConnections(database)).toBeGreaterThanOrEqual(4);
      await vi.waitFor(() => {
        carrier.publisher.publish('task_healed', delta(0, 'after'));
        expect(messages).toContainEqual(delta(0, 'after'));
      }, DEADLINE_MS);
      await settle(carrier, 'task_healed');
      expect(errors).not.toEqual([]);
    });

    it('publishing while the server refuses neither throws nor grows without bound, and heals', async () => {
      const { messages } = await listen(carrier.subscriber, 'task_refused');
      await withServer((client) =>
        client.query(`alter database ${database} allow_connections false`),
      );
      await endConnections(database);
      for (let index = 0; index < 5_000; index += 1)
        carrier.publisher.publish('task_refused', delta(index, 'x'));
      const late = await listen(carrier.subscriber, 'task_late');
      await withServer((client) =>
        client.query(`alter database ${database} allow_connections true`),
      );
      await vi.waitFor(() => {
        carrier.publisher.publish('task_refused', { kind: 'end' });
        carrier.publisher.publish('task_late', { kind: 'end' });
        expect(messages).toContainEqual({ kind: 'end' });
        expect(late.messages).toContainEqual({ kind: 'end' });
      }, DEADLINE_MS);
      expect(messages.filter(({ kind }) => kind === 'delta').length).toBeLessThanOrEqual(1_000);
    });

    it('listens to a channel only while somebody is subscribed', async () => {
      const taskIds = ['task_a', 'task_b', 'task_c'];
      const subscriptions = await Promise.all(taskIds.map((id) => listen(carrier.subscriber, id)));
      const more = await listen(carrier.subscriber, 'task_a');
      for (const { stop } of subscriptions) stop();
      const unlistened = () =>
        lastStatements(database).then((all) => all.map((sql) => sql.split('UNLISTEN').length - 1));
      await vi.waitFor(async () => expect(await unlistened()).toContain(2), DEADLINE_MS);
      more.stop();
      await vi.waitFor(async () => expect(await unlistened()).toContain(1), DEADLINE_MS);
    });
  });

  it('a server that is not there is an error at once', async () => {
    const url = 'postgres://postgres@127.0.0.1:1/none';
    await expect(createPostgresRelay({ databaseUrl: url, onError: () => {} })).rejects.toThrow();
  });
}

/** Ends every connection of the relay; returns how many there were. */
async function endConnections(database: string): Promise<number> {
  const sql = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1';
  return withServer(async (client) => (await client.query(sql, [database])).rowCount ?? 0);
}

/** What each listening connection was last asked. */
async function lastStatements(database: string): Promise<string[]> {
  const sql = `select query from pg_stat_activity where datname = $1 and application_name = 'holdfast relay listener'`;
  const { rows } = await withServer((client) => client.query<{ query: string }>(sql, [database]));
  return rows.map(({ query }) => query);
}

async function dispose(relay: Relay): Promise<void> {
  await relay[Symbol.asyncDispose]();
}
