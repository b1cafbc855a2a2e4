import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createModels } from '../../../activities/models/create-models.ts';
import { ANY_KEY, startModelServer } from '../../support/model-server.ts';
import { collect, HELLO, never, said } from './listen.ts';

const ask = (url: string, key: string) =>
  collect(createModels({ openaiBaseUrl: url })(`openai-compatible/${key}`).stream(HELLO, never));

it('the scripted model refuses what its script does not hold, and records it as a problem', async () => {
  await using server = await startModelServer();
  server.script('short', [[{ say: 'once' }]]);
  expect(said((await ask(server.url, 'short')).parts)).toBe('once');
  expect((await ask(server.url, 'short')).failure?.message).toContain('500');
  expect(server.problems).toEqual(['a request for model "short" that its script does not hold']);
  expect([server.calls('short'), server.sent('short', 1)]).toEqual([2, 'once']);
});

it('the scripted model gives each key without a script its own copy of the one for any key', async () => {
  await using server = await startModelServer();
  server.script(ANY_KEY, [[{ say: 'first' }], [{ say: 'second' }]]);
  const answers = [];
  for (const key of ['a', 'b', 'a']) answers.push(said((await ask(server.url, key)).parts));
  expect(answers).toEqual(['first', 'first', 'second']);
});

it('the scripted model runs as a process of its own, and tells of its calls', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'model-server-'));
  const file = join(folder, 'script.json');
  await writeFile(file, JSON.stringify({ alone: [[{ say: 'Hello from afar' }]] }));
  const program = join(import.meta.dirname, '../../support/model-server.ts');
  const child = spawn(process.execPath, [program, '--script', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const url = line.toString().trim();
    expect(said((await ask(url, 'alone')).parts)).toBe('Hello from afar');
    const report = await (await fetch(new URL('/calls', url))).json();
    expect(report).toMatchObject({ problems: [], calls: { alone: [{ sent: 'Hello from afar' }] } });
  } finally {
    child.kill();
    await text(child.stdout);
    await rm(folder, { recursive: true });
  }
});
