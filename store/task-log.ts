import { isDeepStrictEqual } from 'node:util';
import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm';
import { isTerminalEvent, type LogEvent, type TerminalEvent } from '../contract/events.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { taskSegments } from './schema.ts';
import type { LogPage } from './store.ts';
import { tasks } from './task-table.ts';
import { lockTask } from './tasks.ts';

/** A segment's JSON has at most this many bytes, unless it is one larger event. */
const SEGMENT_BYTES = 512 * 1024;

/** `Store.appendLog`. A task that has ended or is absent is left alone: whoever writes now came too late. */
export async function appendLog(tx: Queries, taskId: string, events: LogEvent[]): Promise<void> {
  const task = await lockTask(tx, taskId);
  if (!task || isTerminal(task.status)) return;
  const lastSeq = await dropRewritten(tx, task, { events, isWhole: false });
  if (lastSeq === null) return;
  const fresh = events.filter((event) => event.seq > lastSeq);
  const last = fresh.at(-1);
  if (!last) return;
  assertContiguous(fresh, lastSeq);
  await insertSegments(tx, taskId, fresh);
  await tx.update(tasks).set({ last_seq: last.seq }).where(eq(tasks.id, taskId));
}

/**
 * Drops what is stored of a log from where the run's own says something else, and gives the last entry that stays. So it is where an
 * operator has reset the run to before it continued as new. `isWhole`: there is nothing behind the run's last entry. Null: what the run
 * says is older than what is stored, and comes too late.
 */
export async function dropRewritten(
  tx: Queries,
  { id, last_seq }: Pick<TaskRecord, 'id' | 'last_seq'>,
  { events, isWhole }: { events: readonly LogEvent[]; isWhole: boolean },
): Promise<number | null> {
  const [first] = events;
  if (!first || first.seq > last_seq) return last_seq;
  const stored = await readWholeLog(tx, id);
  const stays = events.findLast(({ seq }) => seq <= last_seq) as LogEvent;
  const other = events.find((event) => !isDeepStrictEqual(stored[event.seq - 1], asStored(event)));
  const differs = other !== undefined && other.seq <= last_seq;
  if (differs && other.at < (stored[other.seq - 1]?.at ?? '')) return null;
  const end = differs ? other.seq - 1 : isWhole ? stays.seq : last_seq;
  if (end === last_seq) return end;
  await tx.delete(taskSegments).where(eq(taskSegments.task_id, id));
  if (end > 0) await insertSegments(tx, id, stored.slice(0, end));
  return end;
}

function asStored(event: LogEvent): unknown {
  return JSON.parse(JSON.stringify(event));
}

/** `Store.readLog` */
export async function readLog(
  db: Queries,
  taskId: string,
  { after, maxBytes }: { after: number; maxBytes: number },
): Promise<LogPage> {
  const stored = db
    .select({
      events: taskSegments.events,
      first_seq: taskSegments.first_seq,
      log_end: sql<number>`max(${taskSegments.last_seq}) over ()`.as('log_end'),
      before:
        sql`sum(${taskSegments.bytes}) over (order by ${taskSegments.first_seq}) - ${taskSegments.bytes}`.as(
          'before',
        ),
    })
    .from(taskSegments)
    .where(and(eq(taskSegments.task_id, taskId), gt(taskSegments.last_seq, after)))
    .as('stored');
  const segments = await db
    .select({ events: stored.events, log_end: stored.log_end })
    .from(stored)
    .where(lt(stored.before, Math.min(Math.max(maxBytes, 1), Number.MAX_SAFE_INTEGER)))
    .orderBy(asc(stored.first_seq));
  const events = upTo(
    maxBytes,
    segments.flatMap((segment) => segment.events).filter(({ seq }) => seq > after),
  );
  return { events, end: (segments[0]?.log_end ?? 0) <= (events.at(-1)?.seq ?? after) };
}

/** All stored entries, in order. */
export async function readWholeLog(db: Queries, taskId: string): Promise<LogEvent[]> {
  const rows = await db
    .select({ events: taskSegments.events })
    .from(taskSegments)
    .where(eq(taskSegments.task_id, taskId))
    .orderBy(asc(taskSegments.first_seq));
  return rows.flatMap((row) => row.events);
}

/** The entry that ended the task, which must have ended. */
export async function readTerminalEvent(db: Queries, taskId: string): Promise<TerminalEvent> {
  const [segment] = await db
    .select({ events: taskSegments.events })
    .from(taskSegments)
    .where(eq(taskSegments.task_id, taskId))
    .orderBy(desc(taskSegments.first_seq))
    .limit(1);
  const last = segment?.events.at(-1);
  if (!last || !isTerminalEvent(last)) throw new Error(`the log of ${taskId} has no end`);
  return last;
}

export async function insertSegments(
  tx: Queries,
  taskId: string,
  events: LogEvent[],
): Promise<void> {
  const rows = segmentsOf(events).map((segment) => ({ task_id: taskId, ...segment }));
  await tx.insert(taskSegments).values(rows);
}

/** Throws where entries do not follow `seq` one by one: a hole in an archive could never be filled. */
export function assertContiguous(events: readonly LogEvent[], seq: number): void {
  const hole = events.findIndex((event, index) => event.seq !== seq + 1 + index);
  if (hole >= 0) throw new Error(`log entry ${seq + 1 + hole} is missing`);
}

interface Segment {
  first_seq: number;
  last_seq: number;
  bytes: number;
  events: LogEvent[];
}

function segmentsOf(events: readonly LogEvent[]): Segment[] {
  const segments: Segment[] = [];
  for (const event of events) {
    const bytes = bytesOf(event);
    const open = segments.at(-1);
    if (open && open.bytes + bytes <= SEGMENT_BYTES) {
      open.events.push(event);
      open.last_seq = event.seq;
      open.bytes += bytes;
    } else {
      segments.push({
        first_seq: event.seq,
        last_seq: event.seq,
        bytes: bytes + 1,
        events: [event],
      });
    }
  }
  return segments;
}

/** The first entries that fit, at least one. */
function upTo(maxBytes: number, events: LogEvent[]): LogEvent[] {
  let bytes = 0;
  const first = events.findIndex(
    (event, index) => (bytes += bytesOf(event)) > maxBytes && index > 0,
  );
  return first < 0 ? events : events.slice(0, first);
}

/** Bytes of the entry in a JSON list, its comma included. */
function bytesOf(event: LogEvent): number {
  return Buffer.byteLength(JSON.stringify(event)) + 1;
}
