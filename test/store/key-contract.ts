import { expect, it } from 'vitest';
import { hashKey } from '../../store/api-keys.ts';
import { newId, rows, type Subject } from './fixtures.ts';

export function keyContract(subject: () => Subject): void {
  it('has no keys until the first is made, and is never without again', async () => {
    const { store } = subject();
    expect(await store.hasKeys()).toBe(false);
    const { apiKey } = await store.createKey(newId('owner'), ['tasks:read']);
    expect(await store.hasKeys()).toBe(true);
    await store.revokeKey(apiKey.id);
    expect(await store.hasKeys()).toBe(true);
  });

  it('finds a key by its id and by the hash of what its holder shows, and by nothing else', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const { key, apiKey } = await store.createKey(owner, ['tasks:read', 'admin']);
    expect(key).toMatch(/^holdfast_[\w-]{43}$/);
    expect(apiKey).toEqual({
      ...{ id: expect.stringMatching(/^key_[\w-]{22}$/) as string, owner, revoked_at: null },
      ...{ scopes: ['tasks:read', 'admin'], created_at: expect.stringMatching(/Z$/) as string },
    });
    const found = await store.findKey({ hash: hashKey(key) });
    expect(found).toMatchObject(apiKey);
    expect(await store.findKey({ id: apiKey.id })).toEqual(found);
    for (const hash of [hashKey(`${key}x`), key, '']) {
      expect(await store.findKey({ hash })).toBeNull();
    }
  });

  it('keeps no key that could be read out of the database', async () => {
    const { store } = subject();
    const { key, apiKey } = await store.createKey(newId('owner'), ['tasks:read']);
    const [row] = await rows<object>(subject(), `select * from api_keys where id = '${apiKey.id}'`);
    expect(JSON.stringify(row)).not.toContain(key.slice('holdfast_'.length));
  });

  it('finds no revoked key, lists it all the same, and keeps the time of the first revocation', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const { key, apiKey } = await store.createKey(owner, ['tasks:write']);
    const other = await store.createKey(owner, ['tasks:write']);
    const revoked = await store.revokeKey(apiKey.id);
    expect(revoked).toEqual({ ...apiKey, revoked_at: expect.stringMatching(/Z$/) as string });
    expect(await store.revokeKey(apiKey.id)).toEqual(revoked);
    expect(await store.findKey({ hash: hashKey(key) })).toBeNull();
    expect(await store.findKey({ id: apiKey.id })).toBeNull();
    const ours = (await store.listKeys()).filter((one) => one.owner === owner);
    expect(ours).toHaveLength(2);
    expect(ours).toEqual(expect.arrayContaining([revoked, other.apiKey]));
    expect(await store.revokeKey('key_nobody')).toBeNull();
  });
}
