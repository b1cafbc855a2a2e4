/**
 * Where a reader stands in a task's feed: behind log entry `seq` and, where `attempt` is not 0,
 * behind `offset` UTF-16 units of what that attempt of the current step has said.
 */
export interface Cursor {
  seq: number;
  attempt: number;
  offset: number;
}

export const START: Cursor = { seq: 0, attempt: 0, offset: 0 };

/** How ids of frames begin in the feed of all tasks of an owner; in a conversation's, with its id. */
export const ALL_TASKS_FEED = 'events';

export type CursorProblem = 'cursor_invalid' | 'cursor_foreign';

/** Of a feed of several tasks. */
const OF_SEVERAL = /^(?:conv_[^:]*|events):/;
const SHAPE = /^(?:([A-Za-z0-9_.-]+):)?(0|[1-9]\d{0,8})(?:\.([1-9]\d{0,8})\.(0|[1-9]\d{0,8}))?$/;

/** The frame id: `<TaskRecord.id>:<seq>` for a log entry, `<TaskRecord.id>:<seq>.<attempt>.<offset>` for text. */
export function formatCursor(taskId: string, { seq, attempt, offset }: Cursor): string {
  return attempt === 0 ? `${taskId}:${seq}` : `${taskId}:${seq}.${attempt}.${offset}`;
}

/** Reads a `Last-Event-ID` or `?after=`. A bare number is a seq of this task; empty or `0` is the start. */
export function parseCursor(taskId: string, text: string | undefined): Cursor | CursorProblem {
  if (text === undefined || text === '') return START;
  if (OF_SEVERAL.test(text)) return 'cursor_foreign';
  const match = SHAPE.exec(text);
  if (!match) return 'cursor_invalid';
  const [, owner, seq, attempt, offset] = match;
  if (owner !== undefined && owner !== taskId) return 'cursor_foreign';
  return { seq: Number(seq), attempt: Number(attempt ?? 0), offset: Number(offset ?? 0) };
}

/** Whether the text names a place in the feed of one task, whichever. */
export function isTaskCursor(text: string): boolean {
  return !OF_SEVERAL.test(text) && SHAPE.exec(text)?.[1] !== undefined;
}
