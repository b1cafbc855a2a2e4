import { describe, expect, it } from 'vitest';
import { formatCursor, parseCursor, START } from '../../../contract/cursor.ts';

const TASK = `task_${'a'.repeat(32)}`;
const OTHER = `task_${'b'.repeat(32)}`;

describe('a cursor', () => {
  it.each([
    { seq: 1, attempt: 0, offset: 0 },
    { seq: 999_999_999, attempt: 0, offset: 0 },
    { seq: 3, attempt: 1, offset: 0 },
    { seq: 12, attempt: 34, offset: 567_890 },
  ])('reads as it was written: %o', (cursor) => {
    expect(parseCursor(TASK, formatCursor(TASK, cursor))).toEqual(cursor);
  });

  it.each([undefined, '', '0', `${TASK}:0`])('%j is the start', (text) => {
    expect(parseCursor(TASK, text)).toEqual(START);
  });

  it.each([
    ['7', { seq: 7, attempt: 0, offset: 0 }],
    ['7.2.40', { seq: 7, attempt: 2, offset: 40 }],
  ])('may leave out the task: %j', (text, cursor) => {
    expect(parseCursor(TASK, text)).toEqual(cursor);
  });

  it.each([
    `${OTHER}:3`,
    `${TASK}.e2:3`,
    `${OTHER}:3.1.5`,
    'order-42:3',
    'order-42.e2:3.1.5',
    'conv_1234:eyJhIjoxfQ',
    'events:5',
    `conv_${'a'.repeat(32)}:5`,
  ])('of another feed is foreign: %j', (text) => {
    expect(parseCursor(TASK, text)).toBe('cursor_foreign');
  });

  it.each([
    'x',
    '-1',
    '01',
    '1.',
    '1.1',
    '1.0.5',
    '1.1.05',
    '1.1.1.1',
    '1e3',
    ' 1',
    '1 ',
    '1\n',
    '１',
    '9999999999',
    `${TASK}`,
    `${TASK}:`,
    `${TASK}:x`,
    `${TASK}:-1`,
    `run 1:3`,
    `order-42:`,
    `${TASK}:3,4`,
    `${'9'.repeat(100_000)}`,
  ])('that is malformed is said to be: %j', (text) => {
    expect(parseCursor(TASK, text)).toBe('cursor_invalid');
  });
});
