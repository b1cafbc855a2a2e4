import { createHash, randomBytes } from 'node:crypto';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { Scope } from '../contract/scopes.ts';
import type { Database, Queries } from './database.ts';
import type { ApiKey, KeyName, KeyStore, LiveKey } from './key-store.ts';
import { only } from './rows.ts';
import { apiKeys } from './schema.ts';

const KEY_BYTES = 32;
const ID_BYTES = 16;
/** Lets people, and programs that look for secrets in texts, know a key when they see one. */
const KEY_PREFIX = 'holdfast_';

/** By which a key is found again. A key is random, so its plain SHA-256 cannot be guessed. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function createKeyStore({ query }: Database): KeyStore {
  return {
    hasKeys: () => query(hasKeys),
    createKey: (owner, scopes) => query((db) => createKey(db, owner, scopes)),
    findKey: (name) => query((db) => findKey(db, name)),
    listKeys: () => query(listKeys),
    revokeKey: (id) => query((db) => revokeKey(db, id)),
  };
}

const SHOWN = {
  id: apiKeys.id,
  owner: apiKeys.owner,
  scopes: apiKeys.scopes,
  created_at: apiKeys.created_at,
  revoked_at: apiKeys.revoked_at,
};

async function hasKeys(db: Queries): Promise<boolean> {
  return (await db.select({ id: apiKeys.id }).from(apiKeys).limit(1)).length > 0;
}

async function createKey(db: Queries, owner: string, scopes: readonly Scope[]) {
  const key = KEY_PREFIX + random(KEY_BYTES);
  const row = {
    id: `key_${random(ID_BYTES)}`,
    hash: hashKey(key),
    token_secret: random(KEY_BYTES),
    owner,
    scopes: [...scopes],
    created_at: new Date().toISOString(),
  };
  return { key, apiKey: only(await db.insert(apiKeys).values(row).returning(SHOWN)) };
}

async function findKey(db: Queries, name: KeyName): Promise<LiveKey | null> {
  const named = 'id' in name ? eq(apiKeys.id, name.id) : eq(apiKeys.hash, name.hash);
  const [row] = await db
    .select({ ...SHOWN, token_secret: apiKeys.token_secret })
    .from(apiKeys)
    .where(and(named, isNull(apiKeys.revoked_at)));
  return row ?? null;
}

async function listKeys(db: Queries): Promise<ApiKey[]> {
  return db.select(SHOWN).from(apiKeys).orderBy(asc(apiKeys.created_at), asc(apiKeys.id));
}

async function revokeKey(db: Queries, id: string): Promise<ApiKey | null> {
  const now = new Date().toISOString();
  const [row] = await db
    .update(apiKeys)
    .set({ revoked_at: sql`coalesce(${apiKeys.revoked_at}, ${now})` })
    .where(eq(apiKeys.id, id))
    .returning(SHOWN);
  return row ?? null;
}

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
