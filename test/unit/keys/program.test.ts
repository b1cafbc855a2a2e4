import { execFile } from 'node:child_process';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { hashKey } from '../../../store/api-keys.ts';
import { openStore } from '../../../store/open-store.ts';
import { temporaryFolder } from '../../store/temporary-folder.ts';

const run = promisify(execFile);

/** `npm run keys -- …` on the embedded store of a folder. */
const keys = (dataDir: string, ...args: string[]) =>
  run(execPath, ['keys/main.ts', ...args], { env: { PATH: process.env.PATH, DATA_DIR: dataDir } });

it('a script gets the key and nothing else, and a list does not tell it again', async () => {
  await using folder = await temporaryFolder();
  const { stdout, stderr } = await keys(folder.path, 'create', '--owner', 'ada');
  const key = stdout.trim();
  expect(key).toMatch(/^holdfast_[\w-]{43}$/);
  expect(stderr).toContain('shown this once');
  const list = await keys(folder.path, 'list');
  expect(list.stdout).toContain('ada');
  expect(list.stdout + list.stderr).not.toContain(key);
  await using store = await openStore({ dataDir: folder.path });
  expect(await store.findKey({ hash: hashKey(key) })).toMatchObject({ owner: 'ada' });
});

it('says what is wrong in words, without a stack trace, and fails', async () => {
  await using folder = await temporaryFolder();
  const failing = keys(folder.path, 'creat');
  await expect(failing).rejects.toMatchObject({ code: 1, stdout: '' });
  const { stderr } = (await failing.catch((error: unknown) => error)) as { stderr: string };
  expect(stderr).toMatch(/^"creat" is no command\n\nUsage:\n/);
});
