import { parseArgs } from 'node:util';
import { runProcess } from '../run-process.ts';
import { openCluster, type Cluster, type OpenClusterOptions } from './open-cluster.ts';

const FLAGS = {
  relay: { type: 'string', default: 'postgres' },
  apis: { type: 'string', default: '2' },
  workers: { type: 'string', default: '2' },
  port: { type: 'string', default: '8080' },
  ui: { type: 'boolean', default: false },
  'ui-port': { type: 'string', default: '8233' },
  postgres: { type: 'string', default: 'postgres://postgres@127.0.0.1:5432/postgres' },
  redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
} as const;
/** Settings of this process's environment that its replicas are to have. */
const HANDED_ON = /^(MODEL$|OPENAI_|ANTHROPIC_|HOLDFAST_)/;

/** `npm run cluster`: the production shape on this machine, fresh at each start. */
await runProcess(async (opened) => {
  const options = readFlags(process.argv.slice(2));
  process.stderr.write('Starting Temporal, then the replicas …\n');
  const cluster = opened.use(await openCluster(options));
  process.stdout.write(greeting(cluster, options));
});

/** A flag that makes no sense. */
class UsageError extends Error {
  override name = 'UsageError';
}

function readFlags(args: string[]): OpenClusterOptions {
  const { values } = parseArgs({ args, options: FLAGS });
  if (values.relay !== 'postgres' && values.relay !== 'redis') {
    throw new UsageError('--relay must be postgres or redis');
  }
  const settings = Object.entries(process.env).filter(([name]) => HANDED_ON.test(name));
  return {
    postgresUrl: values.postgres,
    ...(values.relay === 'redis' && { redisUrl: values.redis }),
    apis: readCount('apis', values.apis),
    workers: readCount('workers', values.workers),
    port: Number(values.port),
    ...(values.ui && { temporalUiPort: Number(values['ui-port']) }),
    settings: Object.fromEntries(settings) as Record<string, string>,
    output: process.stderr,
  };
}

function readCount(flag: string, text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new UsageError(`--${flag} must be a number from 1 to 99`);
  return Number(text);
}

function greeting(cluster: Cluster, options: OpenClusterOptions): string {
  const { url, apis, workers, temporalAddress, databaseUrl } = cluster;
  const { redisUrl, temporalUiPort } = options;
  return `
The cluster is up. It serves this machine only, without keys.

  Balancer          ${url}  (each connection goes to the next API)
  APIs              ${apis.map((api) => api.url).join(', ')}
  Workers           ${workers.map((worker) => `pid ${worker.pid()}`).join(', ')}
  Temporal          ${temporalAddress}
  Temporal Web UI   ${temporalUiPort ? `http://127.0.0.1:${temporalUiPort}` : 'none (--ui starts it)'}
  Database          ${databaseUrl}
  Relay             ${redisUrl ?? databaseUrl}

Start a run and stream it:

  curl -N ${url}/v1/tasks -H 'Content-Type: application/json' -H 'Accept: text/event-stream' \\
    -d '{"input":"What is 17 * 23, and what time is it in Tokyo?"}'

Ctrl-C ends it all, and drops its databases.
`;
}
