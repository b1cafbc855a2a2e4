import { formatCursor, START, type Cursor } from '../../contract/cursor.ts';
import {
  isStepEntry,
  isTerminalEvent,
  type EventType,
  type LogEvent,
  type StepEntry,
} from '../../contract/events.ts';
import type { LiveFrame, Partial } from '../../contract/frames.ts';
import { piecesFrom, spokenLength, type Block } from '../../contract/text.ts';
import { lastSeq, type WatchedTask } from './watched-task.ts';
import { wireEntry } from './wire-entry.ts';

/** Where a reader stands. */
export interface Position extends Cursor {
  /**
   * The reader has seen the current step while it was open, so it shows what the step has said so far. One that
   * catches up on the log is given the entries alone.
   */
  following: boolean;
  /** False: log entries only. */
  readonly deltas: boolean;
}

/** A frame as every reader at the same place gets it. `data` is one line of JSON. */
export interface WireFrame {
  id: string;
  data: string;
  /** The place behind it. */
  at: Cursor;
  /** What it says, where it is no entry of the log. */
  live: LiveFrame | null;
  /** Nothing follows. */
  last: boolean;
}

/** Most entries, and about most UTF-16 units of them, that one call hands out: what waits for a reader that does not read. */
const MAX_ENTRIES = 64;
const MAX_LENGTH = 256 * 1024;

/**
 * The frames that follow a position, which is moved behind them; empty where nothing is known to follow. Entries come
 * first, then text. Before a step's own entry its reader gets the missing tail, so that the entry changes nothing.
 */
export function nextFrames(task: WatchedTask, position: Position): WireFrame[] {
  const frames: WireFrame[] = [];
  for (let length = 0; frames.length < MAX_ENTRIES && length < MAX_LENGTH;) {
    const entry = task.log[position.seq];
    if (!entry) break;
    if (isStepEntry(entry)) frames.push(...tailBefore(task, entry, position));
    passEntry(position, entry);
    const frame = entryFrame(entry);
    frames.push(position.attempt === 0 ? frame : withText(frame, task, position));
    length += frame.data.length;
  }
  const atEnd = position.seq === lastSeq(task);
  if (atEnd) position.following = true;
  // Without a worker the log may be unknown that far; a reader that stands where the attempt began is told what it says.
  if (task.live && (atEnd || position.seq === task.live.seq)) {
    frames.push(...textFrames(task, task.live, position));
  }
  return frames;
}

/** Text before the entry that began a step is gone with it; a failed attempt's stays on the reader's screen. */
function passEntry(position: Position, entry: LogEvent): void {
  position.seq = entry.seq;
  if (!isStepEntry(entry) && entry.type !== 'turn.started') return;
  position.attempt = 0;
  position.offset = 0;
  position.following = false;
}

/**
 * An entry in the midst of a step, for a reader that has some of its text: a reader that comes back with this id alone must
 * not be told that text again.
 */
function withText(frame: WireFrame, task: WatchedTask, position: Position): WireFrame {
  return { ...frame, ...placeOf(task.taskId, position) };
}

/** What the current attempt has said and the reader does not have. */
function textFrames(task: WatchedTask, live: Partial, position: Position): readonly WireFrame[] {
  // The text belongs behind an entry that this reader does not have yet; or the reader knows a later attempt than we do.
  if (!position.deltas || position.seq < live.seq || position.attempt > live.attempt) return [];
  if (spokenLength(live.blocks) === 0) return [];
  if (position.attempt === live.attempt) return deltas(task, live, position);
  return fromItsStart(task, live, position);
}

/** The rest of a step that a connected reader lacks, ahead of the step's entry. */
function tailBefore(task: WatchedTask, entry: StepEntry, position: Position): readonly WireFrame[] {
  if (!position.deltas || !position.following) return [];
  const { attempt, blocks } = entry.data;
  const length = spokenLength(blocks);
  const isPrefix = position.attempt === attempt && position.offset <= length;
  if (isPrefix) return deltas(task, entry.data, position);
  return fromItsStart(task, entry.data, position);
}

/** An attempt from its first word, behind a reset where the reader may show other text of the step. */
function fromItsStart(task: WatchedTask, spoken: Spoken, position: Position): WireFrame[] {
  const { step, attempt } = spoken;
  const isBlank = showsNothing(task, position);
  position.attempt = attempt;
  position.offset = 0;
  const reset = () => liveFrame(task.taskId, position, { type: 'turn.reset', step, attempt });
  return [...(isBlank ? [] : [reset()]), ...deltas(task, spoken, position)];
}

/** The step has begun, no attempt of it has failed, and the reader's place says that it has no text of it. */
function showsNothing({ log }: WatchedTask, { seq, attempt }: Position): boolean {
  const mark = log.findLast((entry) => entry.seq <= seq && MARKS.has(entry.type));
  return attempt === 0 && mark?.type === 'turn.started';
}

const MARKS: ReadonlySet<EventType> = new Set([
  'turn.started',
  'turn.attempt_failed',
  'turn.thinking',
  'turn.final_answer',
  'turn.interrupted',
]);

interface Spoken {
  step: number;
  attempt: number;
  blocks: readonly Block[];
}

/** What the step has said behind the position, which is moved to its end. */
function deltas(task: WatchedTask, spoken: Spoken, position: Position): readonly WireFrame[] {
  const { seq, attempt, offset } = position;
  const length = spokenLength(spoken.blocks);
  const place = `${task.generation}:${seq}.${attempt}.${offset}-${length}`;
  const shared = NEWEST_DELTAS.get(task);
  position.offset = Math.max(offset, length);
  if (shared?.place === place) return shared.frames;
  const frames = deltaFrames(task.taskId, spoken, { seq, attempt, offset });
  NEWEST_DELTAS.set(task, { place, frames });
  return frames;
}

/** Readers that keep up all stand at the same place: their frames are made once. */
const NEWEST_DELTAS = new WeakMap<WatchedTask, { place: string; frames: WireFrame[] }>();

function deltaFrames(taskId: string, { step, attempt, blocks }: Spoken, from: Cursor): WireFrame[] {
  return piecesFrom(blocks, from.offset).map((piece) => {
    const end = { ...from, offset: piece.offset + piece.text.length };
    return liveFrame(taskId, end, { type: 'turn.delta', step, attempt, ...piece });
  });
}

/** A frame that is no entry of the log, with the place behind it. */
export function liveFrame(taskId: string, at: Cursor, live: LiveFrame): WireFrame {
  return { ...placeOf(taskId, at), data: JSON.stringify(live), live, last: false };
}

/** The place behind a frame, which is its id. */
function placeOf(taskId: string, { seq, attempt, offset }: Cursor): Pick<WireFrame, 'id' | 'at'> {
  const at = { seq, attempt, offset };
  return { id: formatCursor(taskId, at), at };
}

const FRAMES_OF_ENTRIES = new WeakMap<LogEvent, WireFrame>();

/** An entry is made into a frame once, for all its readers. */
function entryFrame(entry: LogEvent): WireFrame {
  const known = FRAMES_OF_ENTRIES.get(entry);
  if (known) return known;
  const frame = {
    ...placeOf(entry.task_id, { ...START, seq: entry.seq }),
    data: JSON.stringify(wireEntry(entry)),
    live: null,
    last: isTerminalEvent(entry),
  };
  FRAMES_OF_ENTRIES.set(entry, frame);
  return frame;
}
