import { parseCursor, START, type Cursor } from '../../contract/cursor.ts';
import { isStepEntry } from '../../contract/events.ts';
import { ApiError } from '../errors.ts';
import type { Hub } from './hub.ts';
import type { Position } from './next-frames.ts';
import { hasEnded, lastSeq, type WatchedTask } from './watched-task.ts';

/** Reads a cursor as it came. Throws `ApiError` `cursor_invalid`, `cursor_foreign`. */
export function readCursor(taskId: string, text: string | undefined): Cursor {
  const cursor = parseCursor(taskId, text);
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
 * end was just read; where nobody could tell the end, the reader waits.
 */
export async function resume(hub: Hub, cursor: Cursor, deltas: boolean): Promise<Resumption> {
  const { task } = hub;
  if (cursor.seq === START.seq) return { ...START, deltas, following: false };
  await hub.ready;
  const endIsKnown = cursor.seq <= lastSeq(task) || hasEnded(task) || (await hub.readEnd());
  if (hasEnded(task) && cursor.seq === lastSeq(task)) return 'ended';
  if (cursor.seq > lastSeq(task)) {
    if (hub.record().log_incomplete) return 'snapshot';
    if (endIsKnown)
      throw new ApiError('cursor_ahead', 'The cursor is ahead of the log; start without a cursor.');
  }
  // The step's own entry, which is known by now, carries its whole text and replaces what the reader has.
  if (stepIsComplete(task, cursor))
    return { ...cursor, attempt: 0, offset: 0, deltas, following: false };
  return { ...cursor, deltas, following: true };
}

function stepIsComplete({ log }: WatchedTask, { seq }: Cursor): boolean {
  return log.slice(seq).some((event) => isStepEntry(event));
}
