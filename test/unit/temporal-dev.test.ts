import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../cluster/free-ports.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/names.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../temporal-dev.sh');
const BASH = '/bin/bash';
/** All that the script itself calls, beside the ways to get a binary. */
const BASICS = ['uname', 'mkdir', 'mktemp', 'mv', 'rm', 'sleep', 'cp', 'chmod', 'dirname'];

let home: string;
let bin: string;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'temporal-dev-'));
  bin = path.join(home, 'bin');
  await mkdir(bin);
  const folders = ['/bin', '/usr/bin'];
  const which = `for name in ${BASICS.join(' ')}; do command -v $name; done`;
  const found = spawn(BASH, ['-c', which], { env: { PATH: folders.join(':') } });
  const files = (await text(found.stdout)).trim().split('\n');
  await Promise.all(files.map((file) => symlink(file, path.join(bin, path.basename(file)))));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** A program that the script can call: `body` is bash. */
async function program(file: string, body: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!${BASH}\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(BASH, [SCRIPT, ...args], {
    cwd: home,
    env: { PATH: bin, HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, code, stdout: text(child.stdout), stderr: text(child.stderr) };
}

async function run(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = start(args, env);
  return { code: await code, stdout: (await stdout).trim(), stderr: await stderr };
}

const cachedFile = () => path.join(home, '.cache/holdfast/temporal-1.5.1');

describe('temporal-dev.sh --install', () => {
  it('prefers TEMPORAL_CLI, then the binary on PATH, then the cached one', async () => {
    const named = await program(path.join(home, 'own/temporal'), 'true');
    const onPath = await program(path.join(bin, 'temporal'), 'true');
    const cached = await program(cachedFile(), 'true');

    expect(await run(['--install'], { TEMPORAL_CLI: named })).toMatchObject({ stdout: named });
    expect(await run(['--install'])).toMatchObject({ code: 0, stdout: onPath });
    await rm(onPath);
    expect(await run(['--install'])).toMatchObject({ code: 0, stdout: cached });
  });

  it('refuses a TEMPORAL_CLI that is no program, instead of taking another', async () => {
    await program(path.join(bin, 'temporal'), 'true');
    const result = await run(['--install'], { TEMPORAL_CLI: '/nowhere' });
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('TEMPORAL_CLI is not an executable file: /nowhere');
  });

  it('downloads the release once, and keeps it', async () => {
    await program(path.join(bin, 'curl'), `echo "$@" >> ${home}/curl.log`);
    await program(
      path.join(bin, 'tar'),
      `while [ $# -gt 1 ]; do [ "$1" = -C ] && into=$2; shift; done
       printf '#!${BASH}\\ntrue\\n' > "$into/temporal"; chmod +x "$into/temporal"`,
    );
    expect(await run(['--install'])).toMatchObject({ code: 0, stdout: cachedFile() });
    expect(await run(['--install'])).toMatchObject({ code: 0, stdout: cachedFile() });
    const calls = (await readFile(path.join(home, 'curl.log'), 'utf8')).trim().split('\n');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toContain('--connect-timeout 5 --max-time 60');
    expect(calls[0]).toMatch(/temporal_cli_1\.5\.1_(linux|darwin)_(amd64|arm64)\.tar\.gz$/);
  });

  it('builds with go where the download fails, and caches no broken binary', async () => {
    await program(path.join(bin, 'curl'), 'exit 6');
    await program(
      path.join(bin, 'go'),
      `printf '#!${BASH}\\nexit 1\\n' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"`,
    );
    expect(await run(['--install'])).toMatchObject({ code: 1, stdout: '' });

    await program(
      path.join(bin, 'go'),
      `printf '#!${BASH}\\ntrue\\n' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"; echo "$@"`,
    );
    const result = await run(['--install']);
    expect(result).toMatchObject({ code: 0, stdout: cachedFile() });
    expect(result.stderr).toContain('github.com/temporalio/cli/cmd/temporal@v1.5.1');
  });

  it('says what to do where no way works', async () => {
    const result = await run(['--install']);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('found no Temporal CLI');
    expect(result.stderr).toContain('https://docs.temporal.io/cli');
  });
});

describe('temporal-dev.sh', () => {
  /** A server that is healthy at the second look, and tells its arguments and its end. */
  const SERVER = `
    if [ "$1" = operator ]; then [ -e looked ] && exit 0; : > looked; exit 1; fi
    printf '%s\\n' "$@" > arguments
    trap 'echo stopped; exit 0' TERM INT
    while :; do sleep 0.02; done`;

  async function startFake(args: string[] = []) {
    await program(path.join(bin, 'temporal'), SERVER);
    const [port, uiPort] = await freePorts(2);
    const server = start(args, {
      DATA_DIR: path.join(home, 'data'),
      TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      TEMPORAL_UI_URL: `http://127.0.0.1:${uiPort}/`,
    });
    await new Promise((resolve) => server.child.stdout.once('data', resolve));
    return { ...server, port, uiPort };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'says ready once, and ends the server on %s',
    async (signal) => {
      const server = await startFake();
      server.child.kill(signal);
      expect(await server.code).toBe(0);
      expect(await server.stdout).toBe('ready\n');
      expect(await readFile(path.join(home, 'data', 'temporal.log'), 'utf8')).toBe('stopped\n');
    },
  );

  it('listens on loopback, knows our search attributes, and passes flags on', async () => {
    const server = await startFake(['--namespace', 'other']);
    server.child.kill();
    await server.code;
    const args = (await readFile(path.join(home, 'arguments'), 'utf8')).trim().split('\n');
    const valuesOf = (flag: string) => args.filter((_, index) => args[index - 1] === flag);

    expect(valuesOf('--ip')).toEqual(['127.0.0.1']);
    expect(valuesOf('--port')).toEqual([String(server.port)]);
    expect(valuesOf('--ui-port')).toEqual([String(server.uiPort)]);
    expect(valuesOf('--db-filename')).toEqual([path.join(home, 'data/temporal.db')]);
    expect(valuesOf('--search-attribute').sort()).toEqual(
      Object.values(SEARCH_ATTRIBUTES)
        .map((name) => `${name}=Keyword`)
        .sort(),
    );
    expect(args.slice(-2)).toEqual(['--namespace', 'other']);
  });

  it('refuses an address that is not loopback, and one without a port', async () => {
    await program(path.join(bin, 'temporal'), SERVER);
    const open = await run([], { TEMPORAL_ADDRESS: '0.0.0.0:7233' });
    expect(open).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('listens on loopback only'),
    });
    const bare = await run([], { TEMPORAL_ADDRESS: '127.0.0.1' });
    expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('a port is missing') });
  });
});
