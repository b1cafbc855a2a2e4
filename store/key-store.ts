import type { Scope } from '../contract/scopes.ts';

/** An API key as lists show it. The key itself is known to nobody but its holder. */
export interface ApiKey {
  /** Names the key where it is listed or revoked. Not secret. */
  id: string;
  /** Whose objects its holder works on. */
  owner: string;
  scopes: Scope[];
  created_at: string;
  revoked_at: string | null;
}

/** A key that counts. */
export interface LiveKey extends ApiKey {
  /** Signs what is given out on the key's behalf, and is never given out itself. */
  token_secret: string;
}

/** A key by its id, or by the hash of what its holder has shown (`hashKey`). */
export type KeyName = { id: string } | { hash: string };

/** The API keys. Their rows are never deleted. */
export interface KeyStore {
  /** Whether there has ever been a key: revoked ones count. */
  hasKeys(): Promise<boolean>;
  /** Makes a key of 256 random bits. This is the only time that it is told. */
  createKey(owner: string, scopes: readonly Scope[]): Promise<{ key: string; apiKey: ApiKey }>;
  /** Null: there is no such key, or it was revoked. */
  findKey(name: KeyName): Promise<LiveKey | null>;
  /** All, oldest first. */
  listKeys(): Promise<ApiKey[]>;
  /** Revokes for good; a second time changes nothing. Null: there is no such key. */
  revokeKey(id: string): Promise<ApiKey | null>;
}
