import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NODE_FLAGS } from '../../cluster/service-process.ts';
import packageJson from '../../package.json' with { type: 'json' };

test.each(['start', 'api', 'worker'] as const)('npm run %s gives Node its flags', (name) => {
  expect(packageJson.scripts[name]).toMatch(/^exec node \S+ (api\/|worker\/)?main\.ts$/);
  expect(packageJson.scripts[name].split(' ').slice(2, -1)).toEqual(NODE_FLAGS);
});

test('the image gives Node the same flags', () => {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const [, entrypoint = ''] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
  expect(JSON.parse(entrypoint)).toEqual(['node', ...NODE_FLAGS]);
});
