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
  /** The attempt that is speaking, or null where none is known. Only ever contiguous text from offset 0. */
  live: Partial | null;
}

export function lastSeq(task: WatchedTask): number {
  return task.log.length;
}

/** Whether the log has its terminal entry. */
export function hasEnded({ log }: WatchedTask): boolean {
  const last = log.at(-1);
  return last !== undefined && isTerminalEvent(last);
}

/** Adds the entries that follow; known ones and those behind a hole are passed over. True where the log grew. */
export function takeEntries(task: WatchedTask, events: readonly LogEvent[]): boolean {
  const before = task.log.length;
  for (const event of events) {
    if (event.seq === task.log.length + 1) task.log.push(event);
  }
  if (task.live && isSettled(task, task.live)) task.live = null;
  return task.log.length > before;
}

/** Takes what a heartbeat says. It may be behind the relay, never wrong. True where text was added. */
export function takePartial(task: WatchedTask, partial: Partial): boolean {
  const order = compare(task, partial);
  if (order === 'older') return false;
  const known = order === 'same' && task.live ? spokenLength(task.live.blocks) : 0;
  if (order === 'same' && spokenLength(partial.blocks) <= known) return false;
  task.live = { ...partial, blocks: partial.blocks.map((block) => ({ ...block })) };
  return spokenLength(partial.blocks) > known;
}

/**
 * Takes a piece from the relay. `gap`: something before it was lost, so it was dropped, and the next heartbeat
 * brings it. A piece that is known, late or another attempt's changes nothing.
 */
export function takeDelta(
  task: WatchedTask,
  seq: number,
  piece: Omit<DeltaFrame, 'type'>,
): 'added' | 'known' | 'gap' {
  const { step, attempt, kind, offset, text } = piece;
  const order = compare(task, piece);
  if (order === 'older') return 'known';
  if (order === 'newer') {
    const usage = { input_tokens: 0, output_tokens: 0, estimated: true };
    task.live = { seq, step, attempt, blocks: [], usage };
  }
  const { blocks } = task.live as Partial;
  const spoken = spokenLength(blocks);
  if (offset > spoken) return 'gap';
  const fresh = text.slice(spoken - offset);
  if (fresh === '') return 'known';
  appendText(blocks, kind, fresh);
  return 'added';
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
