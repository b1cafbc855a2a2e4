import { createHash } from 'node:crypto';
import { answerOf, valueOf, type LogEvent, type TerminalEvent } from '../contract/events.ts';
import { cancelMessage, MAX_ERROR_BYTES } from '../contract/failures.ts';
import { addUsage, NO_USAGE, type TaskRecord, type Usage } from '../contract/task.ts';
import { cleanText, cutBytes } from '../contract/text.ts';
import type { RunEnd } from './store.ts';

/** The end of a cancelled task. */
export function cancelledEnd(reason: string | null): RunEnd {
  const message = cancelMessage(reason);
  return { status: 'FAILED', failure: { code: 'cancelled', message }, error: message };
}

/**
 * The last entry of a task whose log is `log` (whole, but for this entry). An accepted cancel always ends the task as
 * `cancelled`, whatever the run made of it; an answer is then kept as partial output.
 */
export function terminalEvent(
  task: TaskRecord,
  log: readonly LogEvent[],
  { end, at }: { end: RunEnd; at: string },
): TerminalEvent {
  const outcome = task.cancel_request ? cancelledEnd(task.cancel_request.reason) : end;
  const text = answerOf(log) ?? '';
  const head = { task_id: task.id, seq: (log.at(-1)?.seq ?? 0) + 1, at };
  const tail = { usage: usageOf(log), text_length: text.length, text_sha256: sha256(text) };
  if (outcome.status === 'COMPLETED') {
    const output = task.type === 'tool_run' ? { value: valueOf(log) } : { text };
    return { type: 'task.completed', ...head, data: { output, ...tail } };
  }
  const failure = { ...outcome.failure, message: errorText(outcome.failure.message) };
  const error = errorText(outcome.error);
  const partial_output = text || null;
  return { type: 'task.failed', ...head, data: { failure, error, partial_output, ...tail } };
}

/** The stored text that a terminal event speaks of: the answer, or what was kept of it; empty when there is none. */
export function textOfEnd(event: TerminalEvent): string {
  if (event.type === 'task.failed') return event.data.partial_output ?? '';
  return 'text' in event.data.output ? event.data.output.text : '';
}

/** A plain sum is right: an interrupted step that repeats an attempt which already failed carries no usage. */
function usageOf(log: readonly LogEvent[]): Usage {
  return log.reduce(
    (sum, { data }) => ('usage' in data ? addUsage(sum, data.usage) : sum),
    NO_USAGE,
  );
}

/** Texts of errors come from anywhere: PostgreSQL must be able to store them. */
function errorText(text: string): string {
  return cutBytes(cleanText(text), MAX_ERROR_BYTES);
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
