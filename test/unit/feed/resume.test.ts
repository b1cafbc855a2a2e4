import { describe, expect, it } from 'vitest';
import type { Hub } from '../../../api/feed/hub.ts';
import { readCursor, resume } from '../../../api/feed/resume.ts';
import { takeEntries, type WatchedTask } from '../../../api/feed/watched-task.ts';
import { START } from '../../../contract/cursor.ts';
import type { LogEvent } from '../../../contract/events.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import {
  ACCEPTED,
  answered,
  attemptFailed,
  FAILED,
  inFirstStep,
  logOf,
  partial,
  STARTED,
  stepStarted,
  TASK_ID,
  text,
} from './events.ts';

interface World {
  task: WatchedTask;
  /** What the end of the log turns out to be when it is asked for; null: nobody can tell. */
  truth?: LogEvent[] | null;
  logIncomplete?: boolean;
}

function resumed({ task, truth, logIncomplete = false }: World, cursor: string, deltas = true) {
  const hub: Pick<Hub, 'task' | 'ready' | 'record' | 'readEnd'> = {
    task,
    ready: Promise.resolve(),
    record: () => ({ log_incomplete: logIncomplete }) as TaskRecord,
    readEnd: async () => {
      takeEntries(task, truth ?? []);
      return truth !== null;
    },
  };
  return resume(hub as Hub, readCursor(TASK_ID, cursor), { status: 'RUNNING', deltas });
}

const RUNNING = () => inFirstStep(partial(3, 1, text('Yes')));
const ENDED = () => inFirstStep(null, answered(1, text('Yes')), FAILED);

describe('a reader that comes back', () => {
  it('without a cursor begins at the start, and has nobody asked', async () => {
    const found = await resumed({ task: RUNNING(), truth: null }, '');
    expect(found).toEqual({ ...START, deltas: true, following: false });
  });

  it.each([
    ['behind an entry', '2', { seq: 2, attempt: 0, offset: 0 }],
    ['in the middle of the step', '3.1.2', { seq: 3, attempt: 1, offset: 2 }],
    ['ahead of the text that is known', '3.1.9', { seq: 3, attempt: 1, offset: 9 }],
  ])('%s goes on there', async (_, cursor, place) => {
    const found = await resumed({ task: RUNNING() }, cursor);
    expect(found).toEqual({ ...place, deltas: true, following: true });
  });

  it('of an attempt that was replaced goes on behind it', async () => {
    const task = inFirstStep(partial(4, 2, text('Yes')), attemptFailed(1, text('No')));
    const found = await resumed({ task }, '3.1.2');
    expect(found).toEqual({ seq: 3, attempt: 1, offset: 2, deltas: true, following: true });
  });

  it('in the middle of a step that is over gets its entry alone', async () => {
    const found = await resumed({ task: ENDED() }, '3.1.2');
    expect(found).toEqual({ seq: 3, attempt: 0, offset: 0, deltas: true, following: false });
  });

  it('at the terminal entry has everything', async () => {
    expect(await resumed({ task: ENDED() }, '5')).toBe('ended');
  });

  it('ahead of what is known has the end asked for', async () => {
    const task = inFirstStep(null);
    const truth = logOf(ACCEPTED, STARTED, stepStarted(), answered(1, text('Yes')));
    expect(await resumed({ task, truth }, '4')).toMatchObject({ seq: 4 });
  });

  it('ahead of the end is refused', async () => {
    const task = inFirstStep(null);
    await expect(resumed({ task }, '4')).rejects.toMatchObject({ code: 'cursor_ahead' });
    await expect(resumed({ task: ENDED() }, '6')).rejects.toMatchObject({ code: 'cursor_ahead' });
  });

  it('ahead of a log whose end nobody can tell waits there', async () => {
    const found = await resumed({ task: inFirstStep(null), truth: null }, '7.2.5');
    expect(found).toEqual({ seq: 7, attempt: 2, offset: 5, deltas: true, following: true });
  });

  it('in the text of a step gets a snapshot where the log was rewritten, unless it asks for entries alone', async () => {
    const rewritten = () => ({ task: { ...RUNNING(), generation: 1 } });
    expect(await resumed(rewritten(), '3.1.2')).toBe('snapshot');
    expect(await resumed(rewritten(), '3.1.2', false)).toMatchObject({ seq: 3 });
    expect(await resumed(rewritten(), '2')).toMatchObject({ seq: 2 });
  });

  it('ahead of what could be saved of a log gets a snapshot', async () => {
    expect(await resumed({ task: ENDED(), logIncomplete: true }, '9')).toBe('snapshot');
  });

  it('keeps to entries where it asks for no deltas', async () => {
    expect(await resumed({ task: RUNNING() }, '3.1.2', false)).toMatchObject({ deltas: false });
  });
});

describe('a cursor', () => {
  it('that is malformed or foreign is refused with its code', () => {
    expect(() => readCursor(TASK_ID, 'x')).toThrow(
      expect.objectContaining({ code: 'cursor_invalid' }),
    );
    expect(() => readCursor(TASK_ID, 'task_other:1')).toThrow(
      expect.objectContaining({ code: 'cursor_foreign' }),
    );
  });
});
