import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const BASH = '/bin/bash';
/** All that the scripts themselves call, beside the ways to get a binary. */
const BASICS = ['uname', 'mkdir', 'mktemp', 'mv', 'rm', 'sleep', 'cp', 'chmod', 'dirname'];

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A home and a PATH with next to nothing, for bash scripts that get programs. */
export interface BareMachine extends AsyncDisposable {
  readonly home: string;
  /** The one folder on PATH. */
  readonly bin: string;
  /** Puts a program there, or wherever: `body` is bash. Gives its path. */
  program(file: string, body: string): Promise<string>;
  start(
    args?: string[],
    env?: Record<string, string>,
  ): {
    child: ChildProcessByStdio<null, Readable, Readable>;
    code: Promise<number | null>;
    stdout: Promise<string>;
    stderr: Promise<string>;
  };
  /** Runs the script to its end. */
  run(args?: string[], env?: Record<string, string>): Promise<Finished>;
}

/** Bash that makes a program in a file: what a faked download or build leaves there. */
export const writesProgram = (file: string, body: string) =>
  `printf '#!${BASH}\\n${body}\\n' > "${file}"; chmod +x "${file}"`;

export async function openBareMachine(script: string): Promise<BareMachine> {
  const home = await mkdtemp(path.join(tmpdir(), 'bare-machine-'));
  const bin = path.join(home, 'bin');
  await mkdir(bin);
  const which = `for name in ${BASICS.join(' ')}; do command -v $name; done`;
  const found = spawn(BASH, ['-c', which], { env: { PATH: '/bin:/usr/bin' } });
  const files = (await text(found.stdout)).trim().split('\n');
  await Promise.all(files.map((file) => symlink(file, path.join(bin, path.basename(file)))));

  const start: BareMachine['start'] = (args = [], env = {}) => {
    const child = spawn(BASH, [path.resolve(import.meta.dirname, '../..', script), ...args], {
      cwd: home,
      env: { PATH: bin, HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { child, code, stdout: text(child.stdout), stderr: text(child.stderr) };
  };
  return {
    home,
    bin,
    async program(name, body) {
      const file = path.resolve(bin, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, `#!${BASH}\n${body}\n`);
      await chmod(file, 0o755);
      return file;
    },
    start,
    async run(args, env) {
      const { code, stdout, stderr } = start(args, env);
      return { code: await code, stdout: (await stdout).trim(), stderr: await stderr };
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}
