import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { endWithThisProcess } from '../end-with-this-process.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Characters of a process's output that are kept. */
const KEPT_OUTPUT = 20_000;
/** What a process needs of this one's environment. All else would be settings that its starter did not choose. */
const INHERITED = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'TEMPORAL_CLI', 'TMPDIR'];

/** The service's processes, each with what it says once it is at work. */
const READY = {
  'main.ts': 'Ctrl-C ends it.',
  'api/main.ts': 'the API listens',
  'worker/main.ts': 'the worker is at work',
} as const;
export type Entry = keyof typeof READY;

/** As the scripts of package.json start them. */
export const NODE_FLAGS = ['--max-semi-space-size=4'];

export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number;
  /** Sends the signal, waits for the end, and tells the exit code; null where the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts the entry on this Node with the given settings, and waits until it is at work. Throws what it said where it ends before that.
 * It does not outlive this process. What it says goes to `copy` too.
 */
export async function startProcess(
  entry: Entry,
  settings: Record<string, string>,
  copy?: NodeJS.WritableStream,
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [...NODE_FLAGS, path.join(ROOT, entry)], {
    cwd: ROOT,
    env: { ...inherited(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C reaches this process only, which ends the others in order.
    detached: true,
  });
  const exited = once(child, 'exit');
  endWithThisProcess(child);

  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
    return child.exitCode;
  };
  if (copy) for (const stream of [child.stdout, child.stderr]) stream.pipe(copy, { end: false });
  const output = collectOutput(child);
  await Promise.race([output.until(READY[entry]), exited]);
  if (hasEnded(child)) throw new Error(`${entry} ended before it was ready:\n${output.text()}`);
  return {
    pid: child.pid ?? 0,
    end,
    async [Symbol.asyncDispose]() {
      if (!hasEnded(child)) await end('SIGTERM');
    },
  };
}

function inherited(): Record<string, string> {
  const known = INHERITED.map((name) => [name, process.env[name]]);
  return Object.fromEntries(known.filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Reads both outputs to their end: a full pipe would stop the process. */
function collectOutput({ stdout, stderr }: { stdout: Readable; stderr: Readable }) {
  let text = '';
  let onText = () => {};
  for (const stream of [stdout, stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-KEPT_OUTPUT);
      onText();
    });
  }
  return {
    text: () => text,
    until: (mark: string) =>
      new Promise<void>((resolve) => {
        onText = () => {
          if (text.includes(mark)) resolve();
        };
        onText();
      }),
  };
}
