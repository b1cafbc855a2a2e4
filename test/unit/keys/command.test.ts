import { describe, expect, it } from 'vitest';
import { readCommand, runCommand } from '../../../keys/command.ts';
import { hashKey } from '../../../store/api-keys.ts';
import { openMemoryStore } from '../../../store/open-store.ts';

const read = (line: string) => readCommand(line === '' ? [] : line.split(' '));

describe('the command line', () => {
  it('takes create, list and revoke', () => {
    expect(read('create --owner ada')).toEqual({
      ...{ name: 'create', owner: 'ada', scopes: ['tasks:read', 'tasks:write'] },
    });
    expect(read('create --scopes admin,tasks:read --owner a.b@c:d-1')).toEqual({
      ...{ name: 'create', owner: 'a.b@c:d-1', scopes: ['tasks:read', 'admin'] },
    });
    expect(read('list')).toEqual({ name: 'list' });
    expect(read('revoke key_1')).toEqual({ name: 'revoke', id: 'key_1' });
  });

  it.each([
    ['', 'no command was given'],
    ['make --owner ada', '"make" is no command'],
    ['create', 'create needs --owner'],
    ['create --owner', '--owner'],
    ['create --owner ü', '--owner must be'],
    [`create --owner ${'x'.repeat(65)}`, '--owner must be'],
    ['create ada', '"ada" is too much'],
    ['create --owner ada --scopes tasks', '"tasks" is no scope'],
    ['create --owner ada --scopes tasks:read,', '"" is no scope'],
    ['create --owner ada --colour red', '--colour'],
    ['list --owner ada', '--owner is for create'],
    ['list all', '"all" is too much'],
    ['revoke', 'revoke needs the id'],
    ['revoke a b', '"b" is too much'],
  ])('refuses "%s", and says how it goes', (line, problem) => {
    expect(() => read(line)).toThrow(problem);
    expect(() => read(line)).toThrow('npm run keys -- create --owner NAME');
  });
});

describe('keys', () => {
  it('are made, listed and revoked; a key itself is told once', async () => {
    await using store = await openMemoryStore();
    expect((await runCommand(store, read('list'))).remark).toBe('There are no keys.');
    const created = await runCommand(store, read('create --owner ada'));
    const found = await store.findKey({ hash: hashKey(created.result) });
    expect(found).toMatchObject({ owner: 'ada', scopes: ['tasks:read', 'tasks:write'] });
    expect(created.remark).toContain(found?.id);
    expect(created.remark).not.toContain(created.result);

    await runCommand(store, read('create --owner bob-the-second --scopes admin'));
    const list = (await runCommand(store, read('list'))).result.split('\n');
    const [head, ...keys] = list.map((line) => line.split(/ +/).slice(0, 3));
    expect(head).toEqual(['id', 'owner', 'scopes']);
    expect(keys.sort(([, a = ''], [, b = '']) => a.localeCompare(b))).toEqual([
      [found?.id, 'ada', 'tasks:read,tasks:write'],
      [expect.stringMatching(/^key_/), 'bob-the-second', 'admin'],
    ]);
    expect(list.join()).not.toContain('holdfast_');

    const { result } = await runCommand(store, read(`revoke ${found?.id}`));
    expect(result).toContain('of ada is revoked');
    expect(await store.findKey({ id: found!.id })).toBeNull();
    await expect(runCommand(store, read('revoke key_x'))).rejects.toThrow('There is no key key_x');
  });
});
