import type { LogEvent } from '../../contract/events.ts';
import { extendDigest, type AppendedEntry } from '../../contract/log-digest.ts';

export const progress = (seq: number, note: string): LogEvent => ({
  type: 'task.progress',
  task_id: 'task_1',
  seq,
  at: '2026-01-01T00:00:00.000Z',
  data: { progress: 0, note },
});

/** Entries as a workflow appends them behind the log with this digest. */
export function appended(before: string, ...entries: LogEvent[]): AppendedEntry[] {
  return entries.map((entry) => {
    const one = { entry, before, digest: extendDigest(before, entry) };
    before = one.digest;
    return one;
  });
}
