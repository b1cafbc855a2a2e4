import { expect, it } from 'vitest';
import { createWrittenEntries } from '../../../api/feed/written-entries.ts';
import type { LogEvent } from '../../../contract/events.ts';
import { EMPTY_LOG, extendDigest, type AppendedEntry } from '../../../contract/log-digest.ts';

const progress = (seq: number, note: string): LogEvent => ({
  type: 'task.progress',
  task_id: 'task_1',
  seq,
  at: '2026-01-01T00:00:00.000Z',
  data: { progress: 0, note },
});

/** As a workflow appends them behind the log with this digest. */
function append(before: string, ...entries: LogEvent[]): AppendedEntry[] {
  return entries.map((entry) => {
    const appended = { entry, before, digest: extendDigest(before, entry) };
    before = appended.digest;
    return appended;
  });
}

const [second, third, fourth] = append(
  EMPTY_LOG,
  progress(2, 'a'),
  progress(3, 'b'),
  progress(4, 'c'),
) as [AppendedEntry, AppendedEntry, AppendedEntry];

it('shows nothing before it is confirmed, and then what is', () => {
  const written = createWrittenEntries(EMPTY_LOG);
  for (const appended of [second, third, fourth]) expect(written.add(appended)).toEqual([]);
  expect(written.confirm(third.digest)).toEqual([second.entry, third.entry]);
  expect(written.confirm(third.digest)).toEqual([]);
  expect(written.confirm(fourth.digest)).toEqual([fourth.entry]);
});

it('shows what was confirmed first and comes later, once all of it is here', () => {
  const written = createWrittenEntries(EMPTY_LOG);
  expect(written.confirm(third.digest)).toEqual([]);
  expect(written.add(third)).toEqual([]);
  expect(written.add(second)).toEqual([second.entry, third.entry]);
});

it('shows nothing of a workflow task whose writing was not accepted', () => {
  const written = createWrittenEntries(EMPTY_LOG);
  const [again] = append(second.digest, progress(3, 'written again')) as [AppendedEntry];
  for (const appended of [second, third, again]) written.add(appended);
  expect(written.confirm(again.digest)).toEqual([second.entry, again.entry]);
  expect(written.confirm(third.digest)).toEqual([]);
});

it('shows nothing where an entry did not come, or the end of the known log is not known', () => {
  const lossy = createWrittenEntries(EMPTY_LOG);
  lossy.add(third);
  expect(lossy.confirm(third.digest)).toEqual([]);
  const late = createWrittenEntries(null);
  late.add(third);
  expect(late.confirm(third.digest)).toEqual([]);
});

it('goes on behind a log that was read elsewhere', () => {
  const written = createWrittenEntries(null);
  written.add(third);
  written.add(fourth);
  written.standAt(third.digest);
  expect(written.confirm(fourth.digest)).toEqual([fourth.entry]);
});

it('keeps only so many that nobody confirms', () => {
  const written = createWrittenEntries(EMPTY_LOG);
  const many = append(
    EMPTY_LOG,
    ...Array.from({ length: 1_000 }, (_, index) => progress(index + 2, 'x')),
  );
  for (const appended of many) written.add(appended);
  expect(written.confirm(many.at(-1)?.digest ?? '')).toEqual([]);
});
