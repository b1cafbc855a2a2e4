import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeyring } from '../../../api/auth/keyring.ts';
import { hashKey } from '../../../store/api-keys.ts';
import { StoreUnavailable } from '../../../store/errors.ts';
import { openMemoryStore } from '../../../store/open-store.ts';
import type { KeyStore } from '../../../store/key-store.ts';
import type { Store } from '../../../store/store.ts';
import { createStoreFaults } from '../../support/store-faults.ts';
import { eventually } from '../../support/within.ts';

/** Looks again at every question. */
const DOUBTFUL = { trustMs: 1 };

describe('a keyring', () => {
  let store: Store;
  beforeAll(async () => {
    store = await openMemoryStore();
  });
  afterAll(() => store[Symbol.asyncDispose]());

  it('does not open where nobody can say whether there are keys', async () => {
    const faults = createStoreFaults();
    faults.refuseAll();
    await expect(openKeyring(faults.wrap(store))).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('is never without keys again, whatever the store says or fails to say', async () => {
    let answer: () => Promise<boolean> = async () => true;
    const keyring = await openKeyring({ hasKeys: () => answer() } as KeyStore, DOUBTFUL);
    for (const later of [async () => false, () => Promise.reject(new StoreUnavailable('away'))]) {
      answer = later;
      expect(await keyring.keyless()).toBe(false);
      expect(keyring.seemsKeyless()).toBe(false);
    }
  });

  it('finds out by itself that the first key was made, and stays as it was while the store is away', async () => {
    const faults = createStoreFaults();
    await using memory = await openMemoryStore();
    const keyring = await openKeyring(faults.wrap(memory), DOUBTFUL);
    faults.refuseAll();
    expect(await keyring.keyless()).toBe(true);
    await memory.createKey('ada', ['admin']);
    expect(await keyring.keyless()).toBe(true);
    faults.heal();
    await eventually(async () => !(await keyring.keyless()), 'the key to be noticed');
  });

  it('hands on what is no trouble of the store', async () => {
    let broken = false;
    const hasKeys = async () => {
      if (broken) throw new TypeError('a bug');
      return false;
    };
    const keyring = await openKeyring({ hasKeys } as KeyStore, DOUBTFUL);
    broken = true;
    await expect(
      eventually(async () => !(await keyring.keyless()), 'the bug to show'),
    ).rejects.toThrow('a bug');
  });

  it('asks the store once for a key that many show at once, and believes the answer for a while', async () => {
    const { key, apiKey } = await store.createKey('ada', ['tasks:read']);
    let asked = 0;
    const counting: KeyStore = {
      ...store,
      findKey(name) {
        asked += 1;
        return store.findKey(name);
      },
    };
    const keyring = await openKeyring(counting);
    const name = { hash: hashKey(key) };
    const found = await Promise.all([keyring.find(name), keyring.find(name)]);
    await store.revokeKey(apiKey.id);
    expect([...found, await keyring.find(name)].map((one) => one?.id)).toEqual([
      ...[apiKey.id, apiKey.id, apiKey.id],
    ]);
    expect(asked).toBe(1);
  });

  it('goes on believing what it knew of a key while the store is away, where it is asked to', async () => {
    const faults = createStoreFaults();
    const [known, unknown, revoked] = await Promise.all(
      [1, 2, 3].map(() => store.createKey('ada', ['admin'])),
    );
    await store.revokeKey(revoked!.apiKey.id);
    const keyring = await openKeyring(faults.wrap(store), DOUBTFUL);
    const find = (one: typeof known, orRemembered = true) =>
      keyring.find({ hash: hashKey(one!.key) }, { orRemembered });
    expect(await find(known)).toMatchObject({ id: known!.apiKey.id });
    expect(await find(revoked)).toBeNull();
    faults.refuseAll();
    for (const _ of [1, 2, 3]) {
      await expect(find(known, false)).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await find(known)).toMatchObject({ id: known!.apiKey.id });
      expect(await find(revoked)).toBeNull();
      await expect(find(unknown)).rejects.toBeInstanceOf(StoreUnavailable);
    }
    await store.revokeKey(known!.apiKey.id);
    faults.heal();
    await eventually(async () => (await find(known)) === null, 'the revocation to be noticed');
  });

  it('tells a reader that its key was revoked, once it has looked again; not while the store is away', async () => {
    const faults = createStoreFaults();
    const { key, apiKey } = await store.createKey('ada', ['tasks:read']);
    const keyring = await openKeyring(faults.wrap(store), DOUBTFUL);
    const found = await keyring.find({ hash: hashKey(key) });
    const mayRead = keyring.watch(found!);
    faults.refuseAll();
    await store.revokeKey(apiKey.id);
    for (const _ of [1, 2, 3]) {
      expect(mayRead()).toBe(true);
      await expect(keyring.find({ id: apiKey.id })).rejects.toBeInstanceOf(StoreUnavailable);
    }
    faults.heal();
    await eventually(() => !mayRead(), 'the reader to be told');
    expect(await keyring.find({ hash: hashKey(key) })).toBeNull();
  });
});
