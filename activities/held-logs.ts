import { LRUCache } from 'lru-cache';
import type { LogEvent } from '../contract/events.ts';
import { isTerminalEvent } from '../contract/events.ts';
import { EMPTY_LOG } from '../contract/log-digest.ts';

/** UTF-16 units of JSON that are held for all runs together. */
const MAX_LENGTH = 32 * 1024 * 1024;

/** An entry as a workflow run on this worker appended it, with the digests of its log before and behind it. */
export interface AppendedEntry {
  entry: LogEvent;
  before: string;
  digest: string;
}

/**
 * The logs of the workflow runs that this worker carries, as their workflows appended them: an activity on the same worker
 * need not ask the server for them. Speed, never truth: a workflow task may be carried out twice, and only what the second
 * one wrote may count, so a log is only given to whoever names its digest.
 */
export interface HeldLogs {
  append(runId: string, appended: AppendedEntry): void;
  /** The run's entries up to the one with this digest; null where they are not all here. */
  read(runId: string, digest: string | undefined): LogEvent[] | null;
  /** As `read`, without what it has told before. */
  readNews(runId: string, digest: string | undefined): LogEvent[] | null;
}

interface HeldLog {
  appended: AppendedEntry[];
  /** UTF-16 units of JSON, of entries that were cut off too. */
  length: number;
  /** Entries that `readNews` has told. */
  told: number;
}

export function createHeldLogs(): HeldLogs {
  const logs = new LRUCache<string, HeldLog>({ maxSize: MAX_LENGTH });

  /** The run's log, cut behind the entry with this digest. */
  function cut(runId: string, digest: string): HeldLog | null {
    const log = logs.get(runId);
    const end = log?.appended.findLastIndex((appended) => appended.digest === digest) ?? -1;
    if (!log || end < 0) return null;
    log.appended.length = end + 1;
    log.told = Math.min(log.told, end + 1);
    return log;
  }

  return {
    append(runId, appended) {
      const log =
        appended.before === EMPTY_LOG
          ? { appended: [], length: 0, told: 0 }
          : cut(runId, appended.before);
      if (!log || isTerminalEvent(appended.entry)) {
        logs.delete(runId);
        return;
      }
      log.appended.push(appended);
      log.length += JSON.stringify(appended.entry).length;
      // The cache takes a new size only with a new object.
      logs.set(runId, { ...log }, { size: log.length });
    },
    read: (runId, digest) => readFrom(0, logs.get(runId), digest),
    readNews(runId, digest) {
      const log = logs.get(runId);
      const news = readFrom(log?.told ?? 0, log, digest);
      if (log && news) log.told += news.length;
      return news;
    },
  };
}

function readFrom(
  start: number,
  log: HeldLog | undefined,
  digest: string | undefined,
): LogEvent[] | null {
  const end = log?.appended.findLastIndex((appended) => appended.digest === digest) ?? -1;
  if (!log || end < 0) return null;
  return log.appended.slice(start, end + 1).map(({ entry }) => entry);
}
