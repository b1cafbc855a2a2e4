import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { vi } from 'vitest';
import { channelOf } from '../../relay/server-relay.ts';
import { describeServerRelay, type RelayServer } from './server-contract.ts';

const serverUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const reachable = await withServer(async () => true).catch(() => false);
if (reachable) describeServerRelay('PostgreSQL', openServer);
else console.log(`relay on PostgreSQL: not tested, no server at ${new URL(serverUrl).host}`);

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

/** A database of this run's own: notifications do not leave it. */
async function openServer(): Promise<RelayServer> {
  const database = `holdfast_relay_${randomUUID().replaceAll('-', '')}`;
  const ask = (sql: string, values?: unknown[]) =>
    withServer((client) => client.query(sql, values));
  await ask(`create database ${database}`);
  const connects = vi.spyOn(pg.Client.prototype, 'connect');
  return {
    url: Object.assign(new URL(serverUrl), { pathname: `/${database}` }).href,
    async connections() {
      const sql = 'select from pg_stat_activity where datname = $1';
      return (await ask(sql, [database])).rowCount ?? 0;
    },
    async cut() {
      const sql = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1';
      await ask(sql, [database]);
    },
    async admit(yes) {
      await ask(`alter database ${database} allow_connections ${yes}`);
    },
    async listeners(taskId) {
      const channel = channelOf(taskId);
      const answers = await Promise.all(
        connects.mock.contexts.map((client) => listensTo(client, channel)),
      );
      return answers.filter((listens) => listens).length;
    },
    async [Symbol.asyncDispose]() {
      connects.mockRestore();
      await ask(`drop database ${database} with (force)`);
    },
  };
}

/** PostgreSQL tells only a session itself what it listens to, so this asks on the relay's own connection. */
async function listensTo(client: unknown, channel: string): Promise<boolean> {
  const sql = 'select from pg_listening_channels() as channel where channel = $1';
  const answer = await (client as pg.Client).query(sql, [channel]).catch(() => null);
  return answer?.rowCount === 1;
}
