import { LRUCache } from 'lru-cache';
import { StoreUnavailable } from '../../store/errors.ts';
import type { KeyName, KeyStore, LiveKey } from '../../store/key-store.ts';

/**
 * What was looked up is believed for so long, in milliseconds. A reader of a feed is looked at again after so long, whenever
 * something is sent to it, which is every 15 s at least: a revoked key has lost its last feed after 40 s.
 */
const TRUST_MS = 10_000;
const MOST_KEYS = 10_000;

/** The API keys, as a process of the API knows them. */
export interface Keyring {
  /** Whether the store has never held a key. Once it has, this is false for as long as the process lives, whatever the store says. */
  keyless(): Promise<boolean>;
  /** The same as it was last known, for what must not wait for the store. */
  seemsKeyless(): boolean;
  /**
   * Null: there is no such key, or it was revoked. Throws `StoreUnavailable`; with `orRemembered` only where it was never found
   * out before.
   */
  find(name: KeyName, options?: { orRemembered?: boolean }): Promise<LiveKey | null>;
  /** Tells, again and again and at once, whether a key that was found still counts. Without the store it does. */
  watch(key: LiveKey): () => boolean;
}

/** Reads whether there are keys. Throws `StoreUnavailable`: who cannot know it must not serve. */
export async function openKeyring(
  store: KeyStore,
  { trustMs = TRUST_MS }: { trustMs?: number | undefined } = {},
): Promise<Keyring> {
  let keyless = !(await store.hasKeys());
  let askedAt = performance.now();
  const cache = new LRUCache<string, { key: LiveKey | null }, { name: KeyName }>({
    max: MOST_KEYS,
    ttl: trustMs,
    ignoreFetchAbort: true,
    noDeleteOnFetchRejection: true,
    fetchMethod: async (_text, _old, { context }) => ({ key: await store.findKey(context.name) }),
  });

  async function find(name: KeyName, { orRemembered = false } = {}): Promise<LiveKey | null> {
    const text = JSON.stringify(name);
    const found = await cache.fetch(text, { context: { name } }).catch((error: unknown) => {
      const remembered = orRemembered && cache.peek(text, { allowStale: true });
      if (!remembered || !(error instanceof StoreUnavailable)) throw error;
      return remembered;
    });
    if (found?.key) keyless = false;
    return found?.key ?? null;
  }

  return {
    find,
    seemsKeyless: () => keyless,
    async keyless() {
      if (!keyless || performance.now() - askedAt < trustMs) return keyless;
      askedAt = performance.now();
      try {
        if (await store.hasKeys()) keyless = false;
      } catch (error) {
        // It stays as it was; without the store there is nothing to be had anyway.
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      return keyless;
    },
    watch({ id }) {
      let counts = true;
      let lookedAt = performance.now();
      return () => {
        if (counts && performance.now() - lookedAt >= trustMs) {
          lookedAt = performance.now();
          find({ id }).then(
            (key) => (counts = key !== null),
            () => undefined,
          );
        }
        return counts;
      };
    },
  };
}
