import { describe, expect, it } from 'vitest';
import {
  formatGroupCursor,
  MAX_OPEN,
  NOTHING_READ,
  parseGroupCursor,
} from '../../../api/feed/group-cursor.ts';
import { parseCursor, type Cursor } from '../../../contract/cursor.ts';

const FEED = 'conv_1';
const place = (seq: number, attempt = 0, offset = 0): Cursor => ({ seq, attempt, offset });
const encoded = (plain: string, feed = FEED) =>
  `${feed}:${Buffer.from(plain).toString('base64url')}`;

describe('the cursor of a feed of several tasks', () => {
  it.each([undefined, '', '0'])('is its start: %j', (text) => {
    expect(parseGroupCursor(FEED, text)).toEqual(NOTHING_READ);
  });

  it('says what has joined, and where the reader is in each open task', () => {
    const open = new Map([
      [52, place(3, 1, 120)],
      [55, place(7)],
      [57, place(0)],
    ]);
    const text = formatGroupCursor(FEED, { through: 57, open });
    expect(text).toBe(encoded('57;5.3.1.120;2.7;0.0'));
    expect(parseGroupCursor(FEED, text)).toEqual({ through: 57, open });
  });

  it('is short enough for a header and read again with as many open tasks as there may be', () => {
    const open = new Map(
      Array.from({ length: MAX_OPEN }, (_, index) => [
        index + 1,
        place(999_999_999, 999_999_999, 999_999_999),
      ]),
    );
    const cursor = { through: 999_999_999_999_999, open };
    const text = formatGroupCursor('events', cursor);
    expect(text.length).toBeLessThan(2_600);
    expect(parseGroupCursor('events', text)).toEqual(cursor);
  });

  it.each([
    ['a task', `task_1:3`],
    ['a step of a task', `task_1:3.1.58`],
    ['an epoch of an id that was chosen', 'order-42.e2:3'],
    ['another conversation', encoded('57', 'conv_2')],
    ['all tasks', encoded('57', 'events')],
  ])('of %s is foreign', (_, text) => {
    expect(parseGroupCursor(FEED, text)).toBe('cursor_foreign');
  });

  it.each([
    ['nothing that is known', 'nonsense'],
    ['a bare number', '3'],
    ['no place', `${FEED}:`],
    ['no base64url', `${FEED}:5!`],
    ['other text', encoded('fifty')],
    ['a zero in front', encoded('057')],
    ['the same task twice', encoded('57;5.3;5.3')],
    ['tasks out of order', encoded('57;2.3;5.3')],
    ['a task behind the last one', encoded('57;-1.3')],
    ['a task before the first one', encoded('57;57.3')],
    ['half a place', encoded('57;5.3.1')],
    ['an attempt that is none', encoded('57;5.3.0.0')],
    ['more open tasks than there may be', encoded(`99${';1.1'.repeat(MAX_OPEN + 1)}`)],
    ['too much', encoded(`57${';5.3'.repeat(1_000)}`)],
    ['a line break', `${encoded('57')}\n`],
  ])('with %s is malformed', (_, text) => {
    expect(parseGroupCursor(FEED, text)).toBe('cursor_invalid');
  });

  it.each([encoded('57'), encoded('57', 'events')])('is foreign to a task: %s', (text) => {
    expect(parseCursor('task_1', text)).toBe('cursor_foreign');
  });
});
