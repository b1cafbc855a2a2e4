import { isStepEntry, isTerminalEvent, type LogEvent } from '../../contract/events.ts';
import type { DeltaFrame, Partial } from '../../contract/frames.ts';
import { appendText, spokenLength } from '../../contract/text.ts';

/**
 * What a process knows of a task: its log so far, and what the current step has said. Fed from the log (truth), the
 * heartbeat (truth for the current text) and the relay (speed); read by every reader of the task.
 */
export interface WatchedTask {
  readonly taskId: string;
  /** Entries 1, 2, 3 … without holes. */
  log: LogEvent[];
  /** The task was forgotten before its end was known here: nothing follows. */
  forgotten: boolean;
  /** Counts how often the log was rewritten: what a reader has of an earlier one is no part of this one. */
  generation: number;
  /** The attempt that is speaking, or null where none is known. Only ever contiguous text from offset 0. */
  live: Partial | null;
  /** Pieces of that attempt that stand behind a gap, until what is missing comes. */
  ahead: DeltaPiece[];
}

/** A piece of text as the relay carries it. */
export type DeltaPiece = Omit<DeltaFrame, 'type'>;

/** Most UTF-16 units that are kept behind a gap: the heartbeat that closes it is a fraction of a second away. */
const MAX_AHEAD = 64 * 1024;

export function watchTask(taskId: string, log: LogEvent[]): WatchedTask {
  return { taskId, log, forgotten: false, generation: 0, live: null, ahead: [] };
}

/** The log is another one: an operator has reset the workflow, or the archive holds less than the run had written. */
export function rewriteLog(task: WatchedTask, log: LogEvent[]): void {
  task.log = log;
  task.generation += 1;
  hearAttempt(task, null);
}

export function lastSeq(task: WatchedTask): number {
  return task.log.length;
}

/** Whether the log has its terminal entry. */
export function hasEnded({ log }: WatchedTask): boolean {
  const last = log.at(-1);
  return last !== undefined && isTerminalEvent(last);
}

/** Whether the log will not grow any more. */
export function isOver(task: WatchedTask): boolean {
  return task.forgotten || hasEnded(task);
}

/** Adds the entries that follow; known ones and those behind a hole are passed over. True where the log grew. */
export function takeEntries(task: WatchedTask, events: readonly LogEvent[]): boolean {
  const before = task.log.length;
  for (const event of events) {
    if (event.seq === task.log.length + 1) task.log.push(event);
  }
  if (task.live && isSettled(task, task.live)) hearAttempt(task, null);
  return task.log.length > before;
}

/** Takes what a heartbeat says. It may be behind the relay, never wrong. True where text was added. */
export function takePartial(task: WatchedTask, partial: Partial): boolean {
  const order = compare(task, partial);
  if (order === 'older') return false;
  const known = order === 'same' && task.live ? spokenLength(task.live.blocks) : 0;
  if (order === 'same' && spokenLength(partial.blocks) <= known) return false;
  const blocks = partial.blocks.map((block) => ({ ...block }));
  if (order === 'same' && task.live) task.live.blocks = blocks;
  else hearAttempt(task, { ...partial, blocks });
  takeAhead(task);
  return spokenLength(partial.blocks) > known;
}

/**
 * Takes a piece from the relay. `gap`: something before it was lost or is late, so it is kept until that comes with
 * another piece or the next heartbeat. A piece that is known, or another attempt's, changes nothing.
 */
export function takeDelta(
  task: WatchedTask,
  seq: number,
  piece: DeltaPiece,
): 'added' | 'known' | 'gap' {
  const { step, attempt } = piece;
  const order = compare(task, piece);
  if (order === 'older') return 'known';
  if (order === 'newer') {
    const usage = { input_tokens: 0, output_tokens: 0, estimated: true };
    hearAttempt(task, { seq, step, attempt, blocks: [], usage });
  }
  const taken = join(task, piece);
  if (taken === 'added') takeAhead(task);
  if (taken === 'gap' && lengthAhead(task) + piece.text.length <= MAX_AHEAD) task.ahead.push(piece);
  return taken;
}

/** From now on this attempt speaks, or none. */
function hearAttempt(task: WatchedTask, attempt: Partial | null): void {
  task.live = attempt;
  task.ahead = [];
}

/** Adds what a piece of the speaking attempt has that is new, where it joins on. */
function join(
  { live }: WatchedTask,
  { kind, offset, text }: DeltaPiece,
): 'added' | 'known' | 'gap' {
  const { blocks } = live as Partial;
  const spoken = spokenLength(blocks);
  if (offset > spoken) return 'gap';
  const fresh = text.slice(spoken - offset);
  if (fresh === '') return 'known';
  appendText(blocks, kind, fresh);
  return 'added';
}

/** Adds the kept pieces that join on by now. */
function takeAhead(task: WatchedTask): void {
  const kept = task.ahead.toSorted((a, b) => a.offset - b.offset);
  task.ahead = kept.filter((piece) => join(task, piece) === 'gap');
}

function lengthAhead({ ahead }: WatchedTask): number {
  return ahead.reduce((sum, { text }) => sum + text.length, 0);
}

/** How an attempt stands to what is known: a lower `(step, attempt)`, or one that the log has settled, is older. */
function compare(
  task: WatchedTask,
  attempt: { step: number; attempt: number },
): 'older' | 'same' | 'newer' {
  if (isSettled(task, attempt)) return 'older';
  const { live } = task;
  if (!live) return 'newer';
  const order = attempt.step - live.step || attempt.attempt - live.attempt;
  return order < 0 ? 'older' : order === 0 ? 'same' : 'newer';
}

/** Whether the log already says how the attempt ended. */
function isSettled(
  { log }: WatchedTask,
  { step, attempt }: { step: number; attempt: number },
): boolean {
  for (let index = log.length - 1; index >= 0; index -= 1) {
    const event = log[index] as LogEvent;
    if (isTerminalEvent(event)) return true;
    if (isStepEntry(event)) return step <= event.data.step;
    if (event.type === 'turn.started') return step < event.data.step;
    if (event.type === 'turn.attempt_failed') {
      return step < event.data.step || (step === event.data.step && attempt <= event.data.attempt);
    }
  }
  return false;
}
