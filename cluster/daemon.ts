import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { endWithThisProcess } from '../end-with-this-process.ts';
import { hasEnded } from './service-process.ts';

const STOP_WITHIN_MS = 20_000;

/** A server of others, in a process of its own. Disposing it ends it by SIGTERM. It does not outlive this process. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  hasEnded(): boolean;
}

export interface DaemonOptions {
  program: string;
  args: readonly string[];
  /** Where its output goes. */
  logFile: string;
  /** Variables of its environment, beside those of this process. */
  variables?: Record<string, string>;
}

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { program, args, logFile, variables } = options;
  await using log = await open(logFile, 'w');
  const child = spawn(program, args, {
    env: { ...process.env, ...variables },
    stdio: ['ignore', log.fd, log.fd],
    // A process group of its own: Ctrl-C reaches this process only, which ends the others in order.
    detached: true,
  });
  endWithThisProcess(child);
  await once(child, 'spawn');
  return {
    pid: child.pid ?? 0,
    hasEnded: () => hasEnded(child),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(force);
}
