import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { freePorts } from '../../cluster/free-ports.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../temporal-dev.sh');
/** A deletion waits until the server has noted how far its queues are: by default every 30 s. */
export const FORGET_SOON = {
  'history.transferProcessorUpdateAckInterval': '1s',
  'history.visibilityProcessorUpdateAckInterval': '1s',
};
const FLAGS = Object.entries(FORGET_SOON).flatMap(([name, value]) => [
  '--dynamic-config-value',
  `${name}="${value}"`,
]);
const STOP_WITHIN_MS = 10_000;

export interface TemporalServerOptions {
  /** Folder of the server's database, kept at its end. Default: a fresh one, removed at its end. */
  dataDir?: string;
  /** Default: free ones. Give those of a stopped server to come back in its place. */
  ports?: TemporalPorts;
}

export interface TemporalPorts {
  frontend: number;
  ui: number;
}

export interface TemporalServer extends AsyncDisposable {
  /** `host:port` of the frontend. */
  address: string;
  uiUrl: string;
  ports: TemporalPorts;
  dataDir: string;
  /** The server itself, no shell around it: SIGSTOP and SIGKILL hit what they should. */
  pid: number;
  /** Ends the server, also one that was killed or stopped before. */
  stop(): Promise<void>;
}

/** Starts a Temporal development server by `temporal-dev.sh` and waits until it is healthy. */
export async function startTemporal(options: TemporalServerOptions = {}): Promise<TemporalServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'holdfast-temporal-')));
  const ports = options.ports ?? (await freeTemporalPorts());
  const address = `127.0.0.1:${ports.frontend}`;
  const uiUrl = `http://127.0.0.1:${ports.ui}`;
  const child = spawn('bash', [SCRIPT, ...FLAGS], {
    env: { ...process.env, DATA_DIR: dataDir, TEMPORAL_ADDRESS: address, TEMPORAL_UI_URL: uiUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);

  const stop = async () => {
    await end(child);
    process.off('exit', kill);
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await untilReady(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, uiUrl, ports, dataDir, pid: child.pid ?? 0, stop, [Symbol.asyncDispose]: stop };
}

async function freeTemporalPorts(): Promise<TemporalPorts> {
  const [frontend = 0, ui = 0] = await freePorts(2);
  return { frontend, ui };
}

/** Throws what the script said where it ends before it is ready. The first start may have to get the server. */
async function untilReady({
  stdout,
  stderr,
}: ChildProcessByStdio<null, Readable, Readable>): Promise<void> {
  let said = '';
  const listen = (chunk: Buffer) => (said += chunk.toString());
  stderr.on('data', listen);
  let ready = false;
  for await (const line of createInterface(stdout)) {
    ready = line === 'ready';
    if (ready) break;
  }
  if (!ready) throw new Error(`temporal-dev.sh ended before it was ready:\n${said}`);
  // From here on nobody reads, and a full pipe would stop the server.
  stderr.off('data', listen).resume();
  stdout.resume();
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  await exited;
  clearTimeout(force);
}
