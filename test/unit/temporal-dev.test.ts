import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../cluster/free-ports.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/names.ts';
import { openBareMachine, writesProgram, type BareMachine } from '../support/bare-machine.ts';

let machine: BareMachine;
beforeEach(async () => {
  machine = await openBareMachine('temporal-dev.sh');
});
afterEach(() => machine[Symbol.asyncDispose]());

const cachedFile = () => path.join(machine.home, '.cache/holdfast/temporal-1.5.1');

describe('temporal-dev.sh --install', () => {
  it('prefers TEMPORAL_CLI, then the binary on PATH, then the cached one', async () => {
    const named = await machine.program(path.join(machine.home, 'own/temporal'), 'true');
    const onPath = await machine.program('temporal', 'true');
    const cached = await machine.program(cachedFile(), 'true');

    expect(await machine.run(['--install'], { TEMPORAL_CLI: named })).toMatchObject({
      stdout: named,
    });
    expect(await machine.run(['--install'])).toMatchObject({ code: 0, stdout: onPath });
    await rm(onPath);
    expect(await machine.run(['--install'])).toMatchObject({ code: 0, stdout: cached });
  });

  it('refuses a TEMPORAL_CLI that is no program, instead of taking another', async () => {
    await machine.program('temporal', 'true');
    const result = await machine.run(['--install'], { TEMPORAL_CLI: '/nowhere' });
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('TEMPORAL_CLI is not an executable file: /nowhere');
  });

  it('downloads the release once, and keeps it', async () => {
    await machine.program('curl', `echo "$@" >> ${machine.home}/curl.log`);
    await machine.program(
      'tar',
      `while [ $# -gt 1 ]; do [ "$1" = -C ] && into=$2; shift; done
       ${writesProgram('$into/temporal', 'true')}`,
    );
    expect(await machine.run(['--install'])).toMatchObject({ code: 0, stdout: cachedFile() });
    expect(await machine.run(['--install'])).toMatchObject({ code: 0, stdout: cachedFile() });
    const calls = (await readFile(path.join(machine.home, 'curl.log'), 'utf8')).trim().split('\n');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toContain('--connect-timeout 5 --max-time 60');
    expect(calls[0]).toMatch(/temporal_cli_1\.5\.1_(linux|darwin)_(amd64|arm64)\.tar\.gz$/);
  });

  it('builds with go where the download fails, and caches no broken binary', async () => {
    await machine.program('curl', 'exit 6');
    await machine.program('go', writesProgram('$GOBIN/temporal', 'exit 1'));
    expect(await machine.run(['--install'])).toMatchObject({ code: 1, stdout: '' });

    await machine.program('go', `${writesProgram('$GOBIN/temporal', 'true')}; echo "$@"`);
    const result = await machine.run(['--install']);
    expect(result).toMatchObject({ code: 0, stdout: cachedFile() });
    expect(result.stderr).toContain('github.com/temporalio/cli/cmd/temporal@v1.5.1');
  });

  it('says what to do where no way works', async () => {
    const result = await machine.run(['--install']);
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
    await machine.program('temporal', SERVER);
    const [port, uiPort] = await freePorts(2);
    const server = machine.start(args, {
      DATA_DIR: path.join(machine.home, 'data'),
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
      expect(await readFile(path.join(machine.home, 'data', 'temporal.log'), 'utf8')).toBe(
        'stopped\n',
      );
    },
  );

  it('listens on loopback, knows our search attributes, and passes flags on', async () => {
    const server = await startFake(['--namespace', 'other']);
    server.child.kill();
    await server.code;
    const args = (await readFile(path.join(machine.home, 'arguments'), 'utf8')).trim().split('\n');
    const valuesOf = (flag: string) => args.filter((_, index) => args[index - 1] === flag);

    expect(valuesOf('--ip')).toEqual(['127.0.0.1']);
    expect(valuesOf('--port')).toEqual([String(server.port)]);
    expect(valuesOf('--ui-port')).toEqual([String(server.uiPort)]);
    expect(valuesOf('--db-filename')).toEqual([path.join(machine.home, 'data/temporal.db')]);
    expect(valuesOf('--search-attribute').sort()).toEqual(
      Object.values(SEARCH_ATTRIBUTES)
        .map((name) => `${name}=Keyword`)
        .sort(),
    );
    expect(args.slice(-2)).toEqual(['--namespace', 'other']);
  });

  it('refuses an address that is not loopback, and one without a port', async () => {
    await machine.program('temporal', SERVER);
    const open = await machine.run([], { TEMPORAL_ADDRESS: '0.0.0.0:7233' });
    expect(open).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('listens on loopback only'),
    });
    const bare = await machine.run([], { TEMPORAL_ADDRESS: '127.0.0.1' });
    expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('a port is missing') });
  });
});
