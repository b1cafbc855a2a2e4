import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

it('`npm run demo -- family` shows a family that loses nothing, through kill -9 and every cut of its feed', async ({
  signal,
}) => {
  const child = spawn(process.execPath, ['scripts/demo.ts', 'family'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // When the test's time is over: it ends what it has started.
    signal,
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect({ code, err, missed: out.match(/✗.*/g) }).toEqual({ code: 0, err: '', missed: null });
  expect(out).toContain('All of it holds.');
});
