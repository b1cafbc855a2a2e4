import { parseCursor, START, type Cursor, type CursorProblem } from '../../contract/cursor.ts';
import { isStepEntry } from '../../contract/events.ts';
import type { TaskStatus } from '../../contract/task.ts';
import { ApiError } from '../errors.ts';
import type { Hub } from './hub.ts';
import type { Position } from './next-frames.ts';
import { hasEnded, lastSeq, type WatchedTask } from './watched-task.ts';

/** Reads a cursor as it came. Throws `ApiError` `cursor_invalid`, `cursor_foreign`. */
export function readCursor(taskId: string, text: string | undefined): Cursor {
  return accepted(parseCursor(taskId, text));
}

/** A cursor that was read, of whatever feed. Throws `ApiError` `cursor_invalid`, `cursor_foreign`. */
export function accepted<C extends object>(cursor: C | CursorProblem): C {
  if (cursor === 'cursor_invalid') {
    throw new ApiError(
      'cursor_invalid',
      'The cursor is malformed; use the id of a frame as it came, or leave it out.',
    );
  }
  if (cursor === 'cursor_foreign') {
    throw new ApiError(
      'cursor_foreign',
      'The cursor belongs to another feed; start this one without a cursor.',
    );
  }
  return cursor;
}

/** Where a reader with this cursor goes on: behind it, with a snapshot first, or nowhere, because it has everything. */
export type Resumption = Position | 'ended' | 'snapshot';

/**
 * Finds the place of a cursor in a task's feed. Throws `ApiError` `cursor_ahead` where its seq is ahead of a log whose
 * end was just read; where nobody could tell the end, the reader waits. `status` is the row's, as it was just read.
 */
export async function resume(
  hub: Hub,
  cursor: Cursor,
  { status, deltas }: { status: TaskStatus; deltas: boolean },
): Promise<Resumption> {
  const { task } = hub;
  if (cursor.seq === START.seq) return { ...START, deltas, following: false };
  await hub.ready;
  // A run that has not begun has written nothing: no worker need be asked.
  const endIsKnown =
    cursor.seq <= lastSeq(task) || hasEnded(task) || status === 'PENDING' || (await hub.readEnd());
  if (hasEnded(task) && hub.record().log_incomplete) return resumeIncomplete(task, cursor, deltas);
  if (hasEnded(task) && cursor.seq === lastSeq(task)) return 'ended';
  const isAhead = cursor.seq > lastSeq(task);
  // This process knows of a reset: the cursor may well be of the log before it, and so may the text that the reader has.
  if (task.generation > 0 && (isAhead || (deltas && cursor.attempt > 0))) return 'snapshot';
  if (isAhead && endIsKnown) throw cursorAhead();
  // The step's own entry, which is known by now, carries its whole text and replaces what the reader has.
  if (stepIsComplete(task, cursor))
    return { ...cursor, attempt: 0, offset: 0, deltas, following: false };
  return { ...cursor, deltas, following: true };
}

/** Of a log, or of the tasks there are. */
export function cursorAhead(): ApiError {
  return new ApiError('cursor_ahead', 'The cursor is ahead of the log; start without a cursor.');
}

/** The archive's entries are not those that its readers were shown, but for the first; only their count may be the same. */
function resumeIncomplete(task: WatchedTask, cursor: Cursor, deltas: boolean): Resumption {
  if (cursor.attempt === 0 && cursor.seq === lastSeq(task)) return 'ended';
  return cursor.seq === 1 ? { ...cursor, deltas, following: false } : 'snapshot';
}

function stepIsComplete({ log }: WatchedTask, { seq }: Cursor): boolean {
  return log.slice(seq).some((event) => isStepEntry(event));
}
