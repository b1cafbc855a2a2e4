import path from 'node:path';
import { openOwnDatabase } from '../../cluster/own-database.ts';
import type { Environment, OpenSystem, System } from '../system.ts';
import { startPeerServer } from './peer-server.ts';
import { describePackages, installPeer } from './peer.ts';
import { createRunsClient } from './runs-client.ts';

const LIMITS = {
  'text after a crash':
    'doubled for every later reader: a step that is taken up again writes its tokens again, and "readers will see all values written to the stream from all tries of the step" (docs, Communicating with Workflows). Seen after a SIGKILL in the second step.',
  'resume after a crash':
    "goes on behind the reader's offset, with the step's text from its beginning; nothing tells the reader to drop what it has. Seen.",
  cancel:
    'a step that writes is ended by its next write; one that waits for a silent model by `stepStatus.cancelSignal`, which is found by a look into the database once a second (dist/src/system_database.js, `dbPollingIntervalCancelMs`; there is no setting).',
  'end of a stream':
    'after a cancel it is found by looking once a second (`pollingIntervalMs` of `readStream`, by default 1,000).',
  'partial after a cancel':
    'status `CANCELLED`, output null. The rows of the stream stay, and are what is shown as the partial here.',
};

interface DbosOptions {
  /** For so long notifications of what was written are gathered; null: 10 ms, the default. */
  coalesceMs: number | null;
}

/** DBOS Transact with its durable streams, as https://docs.dbos.dev/ai/streaming has it: one process, which carries runs out and serves their readers. */
export function createDbos(name: string, options: DbosOptions): System {
  return { name, limits: LIMITS, open: (environment) => openDbos(environment, options) };
}

async function openDbos(
  { modelUrl, postgresUrl }: Environment,
  { coalesceMs }: DbosOptions,
): Promise<OpenSystem> {
  const folder = await installPeer('dbos');
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await openOwnDatabase(postgresUrl, 'bench_dbos'));
  const server = resources.use(
    await startPeerServer({
      args: ['--no-deprecation', path.join(folder, 'server.ts')],
      env: {
        DATABASE_URL: database.url,
        MODEL_URL: modelUrl,
        NODE_ENV: 'production',
        ...(coalesceMs !== null && { NOTIFICATION_COALESCE_MS: String(coalesceMs) }),
      },
      ready: 'listens',
    }),
  );
  const opened = resources.move();
  return {
    settings: {
      versions: await describePackages(folder),
      node: `${process.version}, NODE_ENV=production`,
      processes: '1, which a crash kills',
      'database connections': '10, half of them for reads that wait (the default)',
      'notifications of a stream': `gathered for ${coalesceMs ?? '10 (the default)'} ms`,
      'readers look without one': 'every 1,000 ms (the default)',
      durable: 'each token, as a row',
    },
    ...createRunsClient(server.url),
    crash: () => server.crash(),
    pids: () => server.pids(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
