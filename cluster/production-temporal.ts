import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startDaemon, type Daemon } from './daemon.ts';
import { freePorts } from './free-ports.ts';
import { openOwnDatabase, type OwnDatabase } from './own-database.ts';
import { prepareNamespace, type Until } from './prepare-namespace.ts';
import { outputOf } from './script-output.ts';
import {
  dynamicConfig,
  PORTS_NEEDED,
  serverConfig,
  type DynamicSettings,
} from './temporal-server-config.ts';

const run = promisify(execFile);
const READY_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 100;
const LOG_LINES_SHOWN = 5;
const LOG_LINE_LENGTH = 400;

export interface ProductionTemporalOptions {
  /** A PostgreSQL server on which databases can be made, reached without TLS. */
  postgresUrl: string;
  /** Dynamic configuration on top of what `temporal-server-config.ts` sets. */
  dynamicSettings?: DynamicSettings;
  /** Variables of the server's process, beside those of this one. */
  variables?: Record<string, string>;
}

export interface ProductionTemporal extends AsyncDisposable {
  /** `host:port` of the frontend. */
  readonly address: string;
  /** The server's own process. */
  readonly pid: number;
  readonly logFile: string;
}

/**
 * Starts Temporal's production server: all four services in one process on 127.0.0.1, on two databases of its own, which are
 * dropped at its end. Resolves once its namespace `default` takes runs. It needs a PostgreSQL server, and gets Temporal's
 * binaries by `temporal-server.sh`, which takes minutes the first time. It does not outlive this process. Throws `NoPostgres`,
 * `ScriptFailed`, or with the end of the server's log.
 */
export async function startProductionTemporal(
  options: ProductionTemporalOptions,
): Promise<ProductionTemporal> {
  const { postgresUrl, dynamicSettings = {}, variables = {} } = options;
  const [server = '', sqlTool = ''] = await outputOf('temporal-server.sh');
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-temporal-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const open = async (schema: 'temporal' | 'visibility') => {
    const database = resources.use(await openOwnDatabase(postgresUrl, schema));
    await makeTables(sqlTool, database, schema);
    return database.name;
  };
  const ports = await freePorts(PORTS_NEEDED);
  const config = serverConfig({
    postgres: new URL(postgresUrl),
    databases: { temporal: await open('temporal'), visibility: await open('visibility') },
    ports,
    dynamicConfigFile: await writeJson(
      folder,
      'dynamic-config.json',
      dynamicConfig(dynamicSettings),
    ),
  });
  const logFile = path.join(folder, 'server.log');
  const configFile = await writeJson(folder, 'config.json', config);
  const args = ['--config-file', configFile, '--allow-no-auth', 'start'];
  const daemon = resources.use(await startDaemon({ program: server, args, logFile, variables }));
  const address = `127.0.0.1:${ports[0]}`;
  await prepareNamespace(address, 'default', untilWhile(daemon, logFile));
  const opened = resources.move();
  return {
    address,
    pid: daemon.pid,
    logFile,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function writeJson(folder: string, name: string, value: object): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, JSON.stringify(value));
  return file;
}

async function makeTables(sqlTool: string, database: OwnDatabase, schema: string): Promise<void> {
  const { hostname, port, username, password } = new URL(database.url);
  const env = {
    SQL_PLUGIN: 'postgres12',
    SQL_HOST: hostname,
    SQL_PORT: port || '5432',
    SQL_USER: decodeURIComponent(username),
    SQL_PASSWORD: decodeURIComponent(password),
    SQL_DATABASE: database.name,
  };
  await run(sqlTool, ['setup-schema', '--version', '0.0'], { env });
  await run(sqlTool, ['update-schema', '--schema-name', `postgresql/v12/${schema}`], { env });
}

/** Asks again until the answer is true, while the process lives. Throws with the end of its log. */
function untilWhile(daemon: Daemon, logFile: string): Until {
  const deadline = Date.now() + READY_WITHIN_MS;
  return async (what, ask) => {
    let cause: unknown;
    const holds = () =>
      ask().catch((error: unknown) => {
        cause = error;
        return false;
      });
    while (!(await holds())) {
      if (daemon.hasEnded() || Date.now() > deadline) {
        const said = await endOfLog(logFile);
        throw new Error(`waited for ${what}; Temporal's log ends with:\n${said}`, { cause });
      }
      await sleep(ASK_EVERY_MS);
    }
  };
}

/** Without the stack traces of the server's own code, which stand at the end of a line. */
async function endOfLog(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return lines
    .slice(-LOG_LINES_SHOWN)
    .map((line) => line.slice(0, LOG_LINE_LENGTH))
    .join('\n');
}
