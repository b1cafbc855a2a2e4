import { expect, it } from 'vitest';
import { createWrittenEntries } from '../../../api/feed/written-entries.ts';
import { EMPTY_LOG, type AppendedEntry } from '../../../contract/log-digest.ts';
import { appended, progress } from '../appended-entries.ts';

const [second, third, fourth] = appended(
  EMPTY_LOG,
  progress(2, 'a'),
  progress(3, 'b'),
  progress(4, 'c'),
) as [AppendedEntry, AppendedEntry, AppendedEntry];

it('shows nothing before it is confirmed, and then what is', () => {
  const written = createWrittenEntries(EMPTY_LOG);
  for (const one of [second, third, fourth]) expect(written.add(one)).toEqual([]);
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
  const [again] = appended(second.digest, progress(3, 'written again')) as [AppendedEntry];
  for (const one of [second, third, again]) written.add(one);
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
  const many = appended(
    EMPTY_LOG,
    ...Array.from({ length: 1_000 }, (_, index) => progress(index + 2, 'x')),
  );
  for (const one of many) written.add(one);
  expect(written.confirm(many.at(-1)?.digest ?? '')).toEqual([]);
});
