import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface NodeProcessOptions {
  /** The program; left out: this Node. */
  command?: string;
  /** The script and its arguments, or flags of node ahead of it. */
  args: readonly string[];
  /** Comes on top of this process's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Stands in the line by which the process tells on its standard output that it is ready. */
  ready: string;
}

export interface NodeProcess extends AsyncDisposable {
  readonly pid: number;
  /** The line that told that it is ready. */
  readonly greeting: string;
  /** Sends the signal where it still runs, and waits for its end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Runs a program of the benchmarks on this Node; it does not outlive this process, and what it says on its standard error stands
 * on this one's. Throws where it ends before it is ready.
 */
export async function startNode(options: NodeProcessOptions): Promise<NodeProcess> {
  const { command = process.execPath, args, env, cwd, ready } = options;
  const child = spawn(command, [...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void exited.then(() => process.off('exit', kill));

  const said = Promise.withResolvers<string>();
  // The listener stays: without one a full pipe would stop the process.
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes(ready)) said.resolve(line);
  });
  const greeting = await Promise.race([said.promise, exited.then(() => null)]);
  if (greeting === null) throw new Error(`node ${args.join(' ')} ended before it was ready`);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return { pid: child.pid ?? 0, greeting, end, [Symbol.asyncDispose]: () => end('SIGTERM') };
}
