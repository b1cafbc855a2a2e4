import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import { endWithThisProcess } from './end-with-this-process.ts';

/** Starts the Temporal development server where nobody listens on its address. Disposing it ends what it started, and nothing else. */
export async function ensureDevServer(config: Config): Promise<AsyncDisposable> {
  if (await listens(config.temporal.address)) return { [Symbol.asyncDispose]: async () => {} };
  const script = fileURLToPath(new URL('temporal-dev.sh', import.meta.url));
  const child = spawn('bash', [script], {
    env: {
      ...process.env,
      DATA_DIR: config.dataDir,
      TEMPORAL_ADDRESS: config.temporal.address,
      TEMPORAL_UI_URL: config.temporalUiUrl,
    },
    // A process group of its own: Ctrl-C reaches this process first, which lets the worker hand over.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithThisProcess(child);
  const exited = once(child, 'exit');
  const ready = once(createInterface(child.stdout), 'line');
  const first = await Promise.race([ready.then(() => 'ready'), exited.then(() => 'exited')]);
  if (first === 'exited')
    throw new DevServerFailed('The Temporal development server did not start.');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The server said why on stderr. */
class DevServerFailed extends Error {
  override name = 'DevServerFailed';
}

async function listens(address: string): Promise<boolean> {
  const [host, port] = address.split(/:(?=\d+$)/);
  const socket = connect({ host: host ?? '127.0.0.1', port: Number(port) });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
