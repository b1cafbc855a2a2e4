import pg from 'pg';
import type { Carrier } from './carrier.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** Messages are speed, never truth: their commits need not wait for the disk. */
const SETTINGS = 'set synchronous_commit = off';

/** `unnest` keeps the order of its arrays, and PostgreSQL delivers a transaction's notifications in the order they were made. */
const NOTIFY = 'select count(pg_notify(c, p)) from unnest($1::text[], $2::text[]) as queued(c, p)';

/**
 * LISTEN/NOTIFY. The URL must lead to PostgreSQL itself or to a pooler in session mode: LISTEN belongs to a session. All of
 * a batch is one commit, because a commit that notifies takes a lock over all databases of the server.
 */
export function postgresCarrier(databaseUrl: string): Carrier {
  return ({ name, onLost, onNotice }) => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: name,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on('error', onLost);
    client.on('end', () => onLost(new Error('PostgreSQL ended the connection')));
    client.on('notification', ({ channel, payload = '' }) => onNotice({ channel, payload }));
    return {
      async open() {
        await client.connect();
        await client.query(SETTINGS);
      },
      listen(added, removed) {
        const listens = added.map((channel) => `LISTEN ${channel}`);
        const unlistens = removed.map((channel) => `UNLISTEN ${channel}`);
        return client.query([...listens, ...unlistens].join(';'));
      },
      send(notices) {
        const values = [
          notices.map(({ channel }) => channel),
          notices.map(({ payload }) => payload),
        ];
        return client.query({ name: 'notify', text: NOTIFY, values });
      },
      ping: () => client.query('select 1'),
      close: () => void client.end().catch(() => {}),
    };
  };
}
