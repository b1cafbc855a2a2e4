import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.ts';
import { openOwnDatabase, type OwnDatabase } from './own-database.ts';
import { prepareNamespace, type Until } from './prepare-namespace.ts';
import { hasEnded } from './service-process.ts';
import {
  dynamicConfig,
  PORTS_NEEDED,
  serverConfig,
  type DynamicSettings,
} from './temporal-server-config.ts';

const run = promisify(execFile);
const SCRIPT = path.resolve(import.meta.dirname, 'temporal-server.sh');
const READY_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 100;
const STOP_WITHIN_MS = 20_000;
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
 * binaries by `temporal-server.sh`, which takes minutes the first time. It does not outlive this process.
 */
export async function startProductionTemporal(
  options: ProductionTemporalOptions,
): Promise<ProductionTemporal> {
  const { postgresUrl, dynamicSettings = {}, variables = {} } = options;
  const { server, sqlTool } = await findBinaries();
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
  const child = await startServer({ binary: server, configFile, logFile, variables });
  resources.defer(() => stop(child));
  const address = `127.0.0.1:${ports[0]}`;
  await prepareNamespace(address, 'default', untilWhile(child, logFile));
  const opened = resources.move();
  return {
    address,
    pid: child.pid ?? 0,
    logFile,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function findBinaries(): Promise<{ server: string; sqlTool: string }> {
  const { stdout } = await run('bash', [SCRIPT]);
  const [server = '', sqlTool = ''] = stdout.trim().split('\n');
  return { server, sqlTool };
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

interface ServerProcess {
  binary: string;
  configFile: string;
  logFile: string;
  variables: Record<string, string>;
}

async function startServer(options: ServerProcess): Promise<ChildProcess> {
  const { binary, configFile, logFile, variables } = options;
  await using log = await open(logFile, 'w');
  const child = spawn(binary, ['--config-file', configFile, '--allow-no-auth', 'start'], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', log.fd, log.fd],
    // A process group of its own: Ctrl-C reaches this process first, which lets the workers hand over.
    detached: true,
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  await once(child, 'spawn');
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(force);
}

/** Asks again until the answer is true, while the process lives. Throws with the end of its log. */
function untilWhile(child: ChildProcess, logFile: string): Until {
  const deadline = Date.now() + READY_WITHIN_MS;
  return async (what, ask) => {
    let cause: unknown;
    const holds = () =>
      ask().catch((error: unknown) => {
        cause = error;
        return false;
      });
    while (!(await holds())) {
      if (hasEnded(child) || Date.now() > deadline) {
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
