import {
  ALL_TASKS_FEED,
  isTaskCursor,
  type Cursor,
  type CursorProblem,
} from '../../contract/cursor.ts';
import type { TaskGroup } from '../../store/store.ts';

/** Most tasks whose frames a feed of several gives at the same time. */
export const MAX_OPEN = 32;

/**
 * Where a reader of several tasks stands. Tasks join in the order of their numbers, in which they were accepted: those up to
 * `through` have joined, and were sent whole but for the open ones.
 */
export interface GroupCursor {
  through: number;
  /** By number, lowest first. */
  open: ReadonlyMap<number, Cursor>;
}

export const NOTHING_READ: GroupCursor = { through: 0, open: new Map() };

/** How the ids of the group's frames begin. */
export function feedName({ conversationId }: TaskGroup): string {
  return conversationId ?? ALL_TASKS_FEED;
}

/**
 * `<feed>:<base64url>` of `<through>`, and of `;<through - number>.<seq>` or `;<through - number>.<seq>.<attempt>.<offset>`
 * for each open task.
 */
export function formatGroupCursor(feed: string, { through, open }: GroupCursor): string {
  const places = [...open].map(([number, { seq, attempt, offset }]) => {
    const place = [through - number, seq];
    return (attempt === 0 ? place : [...place, attempt, offset]).join('.');
  });
  return `${feed}:${Buffer.from([through, ...places].join(';')).toString('base64url')}`;
}

const SHAPE = /^(conv_[A-Za-z0-9_.-]+|events):([A-Za-z0-9_-]{1,2500})$/;
const PLACES = /^\d{1,15}(?:;\d{1,15}\.\d{1,9}(?:\.[1-9]\d{0,8}\.\d{1,9})?)*$/;

/** Reads a `Last-Event-ID` or `?after=` of a feed of several tasks; empty or `0` is its start. */
export function parseGroupCursor(
  feed: string,
  text: string | undefined,
): GroupCursor | CursorProblem {
  if (text === undefined || text === '' || text === '0') return NOTHING_READ;
  if (isTaskCursor(text)) return 'cursor_foreign';
  const [, name, encoded = ''] = SHAPE.exec(text) ?? [];
  if (name === undefined) return 'cursor_invalid';
  if (name !== feed) return 'cursor_foreign';
  const plain = Buffer.from(encoded, 'base64url').toString('latin1');
  const cursor = PLACES.test(plain) ? readPlaces(plain) : null;
  // What this does not write itself, it does not read: a number twice, or a zero in front.
  const isOwn = cursor && isInOrder(cursor) && formatGroupCursor(feed, cursor) === text;
  return isOwn ? cursor : 'cursor_invalid';
}

function readPlaces(plain: string): GroupCursor {
  const [first, ...places] = plain.split(';');
  const through = Number(first);
  const open = places.map((place): [number, Cursor] => {
    const [back = 0, seq = 0, attempt = 0, offset = 0] = place.split('.').map(Number);
    return [through - back, { seq, attempt, offset }];
  });
  return { through, open: new Map(open) };
}

function isInOrder({ open }: GroupCursor): boolean {
  const numbers = [...open.keys()];
  const isAscending = numbers.every((number, index) => number > (numbers[index - 1] ?? 0));
  return isAscending && numbers.length <= MAX_OPEN;
}
