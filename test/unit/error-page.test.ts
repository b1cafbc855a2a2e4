import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ERROR_CODES } from '../../api/errors.ts';

it('docs/errors.md tells of every error code, and of no other', async () => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = page.match(/^\| \d.*$/gm) ?? [];
  const told = rows.flatMap((row) => row.split('|')[2]?.match(/(?<=`)\w+(?=`)/g) ?? []);
  expect(told.toSorted()).toEqual(ERROR_CODES.toSorted());
});
