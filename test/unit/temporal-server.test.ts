import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBareMachine, writesProgram, type BareMachine } from '../support/bare-machine.ts';

let machine: BareMachine;
beforeEach(async () => {
  machine = await openBareMachine('cluster/temporal-server.sh');
});
afterEach(() => machine[Symbol.asyncDispose]());

const cached = () =>
  ['server', 'sql'].map((name) =>
    path.join(machine.home, `.cache/holdfast/temporal-${name}-1.32.0`),
  );

describe('temporal-server.sh', () => {
  it('takes the binaries that it is told of, both or none', async () => {
    const [server, sql] = [
      await machine.program('own/server', 'true'),
      await machine.program('own/sql', 'true'),
    ];
    const told = { TEMPORAL_SERVER: server, TEMPORAL_SQL_TOOL: sql };
    expect(await machine.run([], told)).toMatchObject({ code: 0, stdout: `${server}\n${sql}` });
    const half = await machine.run([], { TEMPORAL_SERVER: server });
    expect(half.code).toBe(1);
    expect(half.stderr).toContain('TEMPORAL_SQL_TOOL is not an executable file: unset');
  });

  it('downloads both of a release once, and keeps them', async () => {
    await machine.program('curl', `echo "$@" >> ${machine.home}/curl.log`);
    await machine.program(
      'tar',
      `for word in "$@"; do case $word in
         temporal-*) ${writesProgram('$into/$word', 'true')} ;;
         *) [ "$before" = -C ] && into=$word ;;
       esac; before=$word; done`,
    );
    for (const _ of ['download', 'cache']) {
      expect(await machine.run()).toMatchObject({ code: 0, stdout: cached().join('\n') });
    }
    const calls = (await readFile(path.join(machine.home, 'curl.log'), 'utf8')).trim().split('\n');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(
      /\/v1\.32\.0\/temporal_1\.32\.0_(linux|darwin)_(amd64|arm64)\.tar\.gz$/,
    );
  });

  it('builds both with go where the download fails, and caches neither where one is broken', async () => {
    await machine.program('curl', 'exit 6');
    const builds = (sql: string) =>
      machine.program(
        'go',
        `${writesProgram('$GOBIN/server', 'true')}; ${writesProgram('$GOBIN/sql', sql)}; echo "$@"`,
      );
    await builds('exit 1');
    expect(await machine.run()).toMatchObject({ code: 1, stdout: '' });
    await builds('true');
    const result = await machine.run();
    expect(result).toMatchObject({ code: 0, stdout: cached().join('\n') });
    expect(result.stderr).toContain('go.temporal.io/server/cmd/server@v1.32.0');
    expect(result.stderr).toContain('go.temporal.io/server/cmd/tools/sql@v1.32.0');
  });

  it('says what to do where no way works', async () => {
    const result = await machine.run();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('found no Temporal server');
  });
});
