import { watchTask, type WatchedTask } from '../../../api/feed/watched-task.ts';
import type { EventData, EventType, LogEvent } from '../../../contract/events.ts';
import type { Partial } from '../../../contract/frames.ts';
import { NO_USAGE } from '../../../contract/task.ts';
import { textOf, type Block } from '../../../contract/text.ts';

export const TASK_ID = `task_${'1'.repeat(32)}`;

export type Entry = { [T in EventType]: [T, EventData[T]] }[EventType];

/** A log of these entries. */
export function logOf(...entries: Entry[]): LogEvent[] {
  return entries.map(
    ([type, data], index) =>
      ({ type, task_id: TASK_ID, seq: index + 1, at: `t${index + 1}`, data }) as LogEvent,
  );
}

export const text = (words: string): Block => ({ kind: 'text', text: words });
export const reasoning = (words: string): Block => ({ kind: 'reasoning', text: words });

/** An attempt that has said these blocks. */
export function partial(seq: number, attempt: number, ...blocks: Block[]): Partial {
  return { seq, step: 1, attempt, blocks, usage: NO_USAGE };
}

export const ACCEPTED: Entry = [
  'task.accepted',
  { type: 'agent_run', agent: 'default', name: null, input: 'go', conversation_id: null },
];
export const STARTED: Entry = ['task.started', {}];
export const stepStarted = (step = 1): Entry => ['turn.started', { step }];
export const CUSTOM: Entry = ['task.custom', { event_type: 'x', payload: 1, publisher: 'tool' }];
export const FAILED: Entry = [
  'task.failed',
  {
    failure: { code: 'internal', message: 'broken' },
    error: 'broken',
    partial_output: null,
    usage: NO_USAGE,
    text_length: 0,
    text_sha256: '',
  },
];

export function attemptFailed(attempt: number, ...blocks: Block[]): Entry {
  return ['turn.attempt_failed', { step: 1, attempt, blocks, reason: 'cut', usage: NO_USAGE }];
}

export function answered(attempt: number, ...blocks: Block[]): Entry {
  return ['turn.final_answer', { step: 1, attempt, blocks, text: textOf(blocks), usage: NO_USAGE }];
}

/** A task in its first step: entries 1 to 3, and what the step has said so far. */
export function inFirstStep(live: Partial | null, ...more: Entry[]): WatchedTask {
  return { ...watchTask(TASK_ID, logOf(ACCEPTED, STARTED, stepStarted(), ...more)), live };
}
