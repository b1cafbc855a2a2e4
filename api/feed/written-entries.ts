import type { LogEvent } from '../../contract/events.ts';
import type { AppendedEntry } from '../../contract/log-digest.ts';

/** Most entries that are kept for a confirmation that may never come. */
const MAX_ENTRIES = 256;

/** Entries that a workflow has written, until it is confirmed that Temporal has accepted them. The two may come in any order. */
export interface WrittenEntries {
  /** The log that is known by now ends with this digest; null: nobody has told. */
  standAt(digest: string | null): void;
  /** What can be shown now: the entries up to the last confirmed digest, once all of them are here. */
  add(appended: AppendedEntry): LogEvent[];
  /** The log that ends with this digest stays. What can be shown now. */
  confirm(digest: string): LogEvent[];
}

export function createWrittenEntries(start: string | null): WrittenEntries {
  let end = start;
  let confirmed: string | null = null;
  /** By the digest before each. What a workflow task writes that is carried out again takes the place of the first time. */
  const behind = new Map<string, AppendedEntry>();

  /** From the end of the known log to what is confirmed. */
  function take(): LogEvent[] {
    const taken: AppendedEntry[] = [];
    for (let at = end; at !== confirmed;) {
      const next = at === null ? undefined : behind.get(at);
      if (!next || taken.length === behind.size) return [];
      taken.push(next);
      at = next.digest;
    }
    for (const { before } of taken) behind.delete(before);
    end = confirmed;
    return taken.map(({ entry }) => entry);
  }

  return {
    standAt(digest) {
      end = digest;
    },
    add(appended) {
      if (behind.size === MAX_ENTRIES) behind.clear();
      behind.set(appended.before, appended);
      return confirmed === null ? [] : take();
    },
    confirm(digest) {
      confirmed = digest;
      return take();
    },
  };
}
