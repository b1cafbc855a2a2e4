import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

const MODULE = new URL('../../run-process.ts', import.meta.url).href;
const PROGRAM = `
  const { runProcess } = await import('${MODULE}');
  await runProcess(async (opened) => {
    opened.defer(() => new Promise((resolve) => setTimeout(() => resolve(console.log('closed')), 1_500)));
    console.log('open');
    setInterval(() => {}, 1_000);
  });`;

/** What a process says, and how it ends, that is told to end and told again so much later. */
async function endTwice(laterMs: number): Promise<{ said: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  await sleep(laterMs);
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number | null];
  return { said, code };
}

it('Ctrl-C that comes twice, from the terminal and from npm, lets a process end in order', async () => {
  expect(await endTwice(20)).toEqual({ said: 'open\nclosed\n', code: 0 });
});

it('a second signal ends a process at once', async () => {
  expect(await endTwice(700)).toEqual({ said: 'open\n', code: 1 });
});
