import { asc, desc, gt, lt, sql, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { BadPageCursor, type Page, type PageRequest } from './store.ts';

const POSITION = /^(0|[1-9]\d{0,14})$/;

/** The condition for rows behind the page's cursor. Throws `BadPageCursor`. */
export function behind(column: PgColumn, { cursor, order }: PageRequest): SQL | undefined {
  if (cursor === undefined) return undefined;
  // A cursor may hold more than an integer column does.
  const position = sql`${decode(cursor)}::bigint`;
  return order === 'asc' ? gt(column, position) : lt(column, position);
}

/** The order that `behind` goes by. */
export function inOrder(column: PgColumn, { order }: PageRequest): SQL {
  return order === 'asc' ? asc(column) : desc(column);
}

/** A page of rows that were read with `limit + 1`: the one too many tells that there are more. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  read: { position: (row: Row) => number; record: (row: Row) => T },
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map((row) => read.record(row)),
    next_cursor: last !== undefined && rows.length > limit ? encode(read.position(last)) : null,
  };
}

function encode(position: number): string {
  return Buffer.from(String(position)).toString('base64url');
}

function decode(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!POSITION.test(text) || encode(Number(text)) !== cursor) {
    throw new BadPageCursor('not a cursor of this list');
  }
  return Number(text);
}
