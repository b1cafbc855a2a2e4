import { LRUCache } from 'lru-cache';
import type { LogEvent } from '../contract/events.ts';
import { isTerminalEvent } from '../contract/events.ts';
import { EMPTY_LOG, type AppendedEntry } from '../contract/log-digest.ts';

/** UTF-16 units of JSON that are held for all runs together. */
const MAX_LENGTH = 32 * 1024 * 1024;

/**
 * The logs of the workflow runs that this worker carries, as their workflows appended them: an activity on the same worker
 * need not ask the server for them. Speed, never truth: a workflow task may be carried out twice, and only what the second
 * one wrote may count, so a log is only given to whoever names its digest.
 */
export interface HeldLogs {
  append(runId: string, appended: AppendedEntry): void;
  /** The run's entries up to the one with this digest; null where they are not all here. */
  read(runId: string, digest: string | undefined): LogEvent[] | null;
  /** What the store holds from before this workflow run: it does not change any more. Null where it is not here. */
  readPast(runId: string): LogEvent[] | null;
  keepPast(runId: string, events: LogEvent[]): void;
}

interface HeldLog {
  appended: AppendedEntry[];
  /** UTF-16 units of JSON, of entries that were cut off too. */
  length: number;
}

export function createHeldLogs(): HeldLogs {
  const logs = new LRUCache<string, HeldLog>({ maxSize: MAX_LENGTH });
  const pasts = new LRUCache<string, LogEvent[]>({ maxSize: MAX_LENGTH });

  /** The run's log, cut behind the entry with this digest. */
  function cut(runId: string, digest: string): HeldLog | null {
    const log = logs.get(runId);
    const end = log?.appended.findLastIndex((appended) => appended.digest === digest) ?? -1;
    if (!log || end < 0) return null;
    log.appended.length = end + 1;
    return log;
  }

  return {
    append(runId, appended) {
      const log =
        appended.before === EMPTY_LOG ? { appended: [], length: 0 } : cut(runId, appended.before);
      if (!log || isTerminalEvent(appended.entry)) {
        logs.delete(runId);
        return;
      }
      log.appended.push(appended);
      log.length += JSON.stringify(appended.entry).length;
      // The cache takes a new size only with a new object.
      logs.set(runId, { ...log }, { size: log.length });
    },
    read(runId, digest) {
      const entries = logs.get(runId)?.appended ?? [];
      const end = entries.findLastIndex((appended) => appended.digest === digest);
      return end < 0 ? null : entries.slice(0, end + 1).map(({ entry }) => entry);
    },
    readPast: (runId) => pasts.get(runId) ?? null,
    keepPast(runId, events) {
      pasts.set(runId, events, { size: JSON.stringify(events).length });
    },
  };
}
