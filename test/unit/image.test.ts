import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

let image: string;
beforeAll(() => {
  image = mkdtempSync(path.join(tmpdir(), 'image-'));
  for (const [, entry = ''] of read('.dockerignore').matchAll(/^!(.*)$/gm))
    cpSync(path.join(ROOT, entry), path.join(image, entry), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(image, 'node_modules'));
});
afterAll(() => rmSync(image, { recursive: true }));

test.each(['api/main.ts', 'worker/main.ts', 'keys/main.ts list'])(
  'the image holds all that %s imports',
  (program) => {
    // Its configuration is read once all is loaded.
    const env = { PATH: process.env.PATH, HOLDFAST_NO_SUCH_SETTING: '1' };
    const { stderr } = spawnSync(process.execPath, program.split(' '), {
      cwd: image,
      env,
      encoding: 'utf8',
    });
    expect(stderr).toContain('HOLDFAST_NO_SUCH_SETTING');
  },
);
