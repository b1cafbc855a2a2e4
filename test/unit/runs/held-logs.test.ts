import { expect, it } from 'vitest';
import { createHeldLogs, type HeldLogs } from '../../../activities/held-logs.ts';
import type { LogEvent } from '../../../contract/events.ts';
import { EMPTY_LOG, extendDigest } from '../../../contract/log-digest.ts';
import { appended, progress } from '../appended-entries.ts';

const RUN = 'run-1';

/** Appends entries behind the log with this digest, as a workflow does; tells the digests after each. */
function append(logs: HeldLogs, before: string, ...entries: LogEvent[]): string[] {
  return appended(before, ...entries).map((one) => {
    logs.append(RUN, one);
    return one.digest;
  });
}

it('gives a log up to the entry whose digest is named', () => {
  const logs = createHeldLogs();
  const entries = [progress(2, 'a'), progress(3, 'b'), progress(4, 'c')];
  const [, second, third] = append(logs, EMPTY_LOG, ...entries);
  expect(logs.read(RUN, second)).toEqual(entries.slice(0, 2));
  expect(logs.read(RUN, third)).toEqual(entries);
  expect(logs.read('run-2', third)).toBeNull();
  expect(logs.read(RUN, undefined)).toBeNull();
});

it('forgets what a workflow task had appended that was carried out again', () => {
  const logs = createHeldLogs();
  const [first = '', lost] = append(logs, EMPTY_LOG, progress(2, 'a'), progress(3, 'lost'));
  const [kept] = append(logs, first, progress(3, 'kept'));
  expect(logs.read(RUN, lost)).toBeNull();
  expect(logs.read(RUN, kept)).toEqual([progress(2, 'a'), progress(3, 'kept')]);
});

it('gives nothing of a log whose beginning it has not seen', () => {
  const logs = createHeldLogs();
  const elsewhere = extendDigest(EMPTY_LOG, progress(2, 'a'));
  const [digest] = append(logs, elsewhere, progress(3, 'b'));
  expect(logs.read(RUN, digest)).toBeNull();
});

it('gives nothing where the same place was reached with other entries', () => {
  const logs = createHeldLogs();
  append(logs, EMPTY_LOG, progress(2, 'a'));
  const other = extendDigest(EMPTY_LOG, progress(2, 'A'));
  expect(logs.read(RUN, other)).toBeNull();
});

it('holds so many logs only as fit its bound, the newest', () => {
  const logs = createHeldLogs();
  const digests = Array.from({ length: 40 }, (_, n) => {
    const entries = [progress(2, 'a'), progress(3, 'x'.repeat(1024 * 1024))];
    let before = EMPTY_LOG;
    for (const entry of entries) {
      const digest = extendDigest(before, entry);
      logs.append(`run-${n}`, { entry, before, digest });
      before = digest;
    }
    return before;
  });
  expect(logs.read('run-0', digests[0])).toBeNull();
  expect(logs.read('run-39', digests[39])).toHaveLength(2);
});

it('keeps what the store holds from before a workflow run', () => {
  const logs = createHeldLogs();
  expect(logs.readPast(RUN)).toBeNull();
  logs.keepPast(RUN, [progress(2, 'a')]);
  logs.keepPast('run-2', []);
  expect([logs.readPast(RUN), logs.readPast('run-2')]).toEqual([[progress(2, 'a')], []]);
});
