import { expect, it } from 'vitest';
import { acceptedEvent } from '../../contract/accepted-event.ts';
import type { LogEvent } from '../../contract/events.ts';
import {
  accept,
  answered,
  begin,
  completion,
  entry,
  failure,
  rows,
  wholeLog,
  type Subject,
} from './fixtures.ts';

/** A custom event whose JSON has about `bytes` bytes. Its keys are in no order, and its text is in no way plain. */
function custom(task: { id: string }, seq: number, bytes: number): LogEvent {
  const payload = { z: 'x'.repeat(bytes), a: [{ y: 1, b: null }], quote: '"\\\n🦁' };
  return entry(task, seq, {
    type: 'task.custom',
    data: { event_type: 'e', payload, publisher: 'p' },
  });
}

export function logContract(subject: () => Subject): void {
  it('archives a log of many megabytes and gives it back byte by byte, in pages', async () => {
    const { store } = subject();
    const task = await begin(store);
    const sizes = [100, 1_300_000, 200_000, 200_000, 200_000, ...Array<number>(400).fill(5_000)];
    const log = [
      acceptedEvent(task),
      ...sizes.map((bytes, index) => custom(task, index + 2, bytes)),
    ];
    const { event } = await store.finishTask(failure(task, log));
    const read: LogEvent[] = [];
    for (let end = false; !end;) {
      const page = await store.readLog(task.id, read.at(-1)?.seq ?? 0, 300_000);
      expect(page.events.length === 1 || JSON.stringify(page.events).length <= 320_000).toBe(true);
      read.push(...page.events);
      end = page.end;
    }
    expect(JSON.stringify(read) === JSON.stringify([...log, event])).toBe(true);
    const segments = await rows<{ first_seq: number; last_seq: number; size: number }>(
      subject(),
      `select first_seq, last_seq, octet_length(events::text) as size from task_segments where task_id = '${task.id}'`,
    );
    const large = segments.filter(({ size }) => size > 512 * 1024);
    expect(large).toMatchObject([{ first_seq: 3, last_seq: 3 }]);
    expect(segments.length).toBeGreaterThan(5);
  });

  it('reads one entry at least, and says when nothing is stored behind it', async () => {
    const { store } = subject();
    const task = await begin(store);
    await store.finishTask(completion(task, 'done'));
    const first = await store.readLog(task.id, 0, 1);
    expect(first).toMatchObject({ events: [{ seq: 1 }], end: false });
    expect(await store.readLog(task.id, 4, 1)).toMatchObject({ events: [{ seq: 5 }], end: true });
    expect(await store.readLog(task.id, 5, 1)).toEqual({ events: [], end: true });
    expect(await store.readLog('task_unknown', 0, 1)).toEqual({ events: [], end: true });
    expect(await store.readLog(task.id, 0, Infinity)).toMatchObject({
      events: [1, 2, 3, 4, 5].map((seq) => ({ seq })),
      end: true,
    });
  });

  it('takes entries ahead of the end once, and builds the end from the whole log', async () => {
    const { store } = subject();
    const task = await begin(store);
    const log = answered(task, 'done');
    await store.appendLog(task.id, log.slice(0, 2));
    await store.appendLog(task.id, log.slice(0, 4));
    await store.appendLog(task.id, log.slice(1, 3));
    expect((await store.getTask(task.id))?.last_seq).toBe(4);
    expect(await wholeLog(store, task.id)).toEqual(log);
    const { event, task: ended } = await store.finishTask({ ...completion(task, ''), log: [] });
    expect(ended).toMatchObject({
      output: { text: 'done' },
      usage: { output_tokens: 5 },
      last_seq: 5,
    });
    expect(await wholeLog(store, task.id)).toEqual([...log, event]);
    await store.appendLog(task.id, [custom(task, 6, 1)]);
    expect(await wholeLog(store, task.id)).toEqual([...log, event]);
  });

  it('C18 is that of the run that goes on, where an operator has reset it to before what is stored', async () => {
    const { store } = subject();
    const task = await begin(store);
    const former = [
      ...answered(task, 'the former answer'),
      custom(task, 5, 10),
      custom(task, 6, 10),
    ];
    await store.appendLog(task.id, former);
    const other = [...answered(task, 'another answer').slice(1), custom(task, 5, 20)];
    const log = [former[0]!, former[1]!, ...other.slice(1)];
    await store.appendLog(task.id, log.slice(1, 4));
    expect(await wholeLog(store, task.id)).toEqual(log.slice(0, 4));
    // The former run's worker was frozen, and comes too late.
    await store.appendLog(task.id, former);
    expect(await wholeLog(store, task.id)).toEqual(log.slice(0, 4));
    const { event, task: ended } = await store.finishTask({
      ...completion(task, ''),
      log: log.slice(1),
    });
    expect(ended).toMatchObject({ output: { text: 'another answer' }, last_seq: 6 });
    expect(await wholeLog(store, task.id)).toEqual([...log, event]);
  });

  it('does not take a log with a hole, unless it is told that the log could not be read', async () => {
    const { store } = subject();
    const task = await begin(store);
    const log = answered(task, 'done').toSpliced(1, 1);
    await expect(store.appendLog(task.id, log)).rejects.toThrow('log entry 2 is missing');
    await expect(store.finishTask({ ...completion(task, ''), log })).rejects.toThrow('log entry 2');
    const incomplete = { ...failure(task, log), logIncomplete: true };
    const { event, task: ended } = await store.finishTask(incomplete);
    expect(event.seq).toBe(5);
    expect(ended).toMatchObject({ log_incomplete: true, partial_output: 'done' });
  });

  it('begins every log with task.accepted, though nothing of the run can be read', async () => {
    const { store } = subject();
    const task = await accept(store);
    await store.finishTask({ ...failure(task, []), logIncomplete: true });
    const log = await wholeLog(store, task.id);
    expect(log.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'task.accepted'],
      [2, 'task.failed'],
    ]);
    expect(log[0]).toEqual(acceptedEvent(task));
  });
}
