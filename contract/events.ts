import type { ChildLoss, ChildResult, StartedChild } from './children.ts';
import type { Failure } from './failures.ts';
import type { Parent, TaskInput, TaskType, Usage } from './task.ts';
import { textOf, type Block } from './text.ts';

/** What one attempt of a step said. `text` is its text blocks in order. */
export interface Spoken {
  step: number;
  attempt: number;
  blocks: Block[];
  text: string;
  usage: Usage;
}

/** The kinds of log entries, each with its data. */
export interface EventData {
  'task.accepted': {
    type: TaskType;
    agent: string;
    name: string | null;
    input: TaskInput;
    conversation_id: string | null;
    parent?: Parent;
    /** Left out: 1. */
    epoch?: number;
  };
  'task.started': Record<string, never>;
  'turn.started': { step: number };
  /** `retry_in_ms` is left out where no further attempt follows. */
  'turn.attempt_failed': {
    step: number;
    attempt: number;
    blocks: Block[];
    reason: string;
    usage: Usage;
    tool_call_begun?: true;
    retry_in_ms?: number;
  };
  'turn.thinking': Spoken;
  'turn.tool_call': { step: number; call_id: string; name: string; arguments: unknown };
  'turn.tool_result': {
    step: number;
    call_id: string;
    output: unknown;
    is_error: boolean;
    truncated?: true;
  };
  'turn.final_answer': Spoken;
  /** `tool_call_begun`: a tool call had begun in the step, so its text is no answer. */
  'turn.interrupted': Spoken & { tool_call_begun?: true };
  /** Written to the run while it worked: its next step reads it. `from`: null where the sender gave no name. */
  'task.message': { from: string | null; text: string };
  /** A call waits for somebody's word. Its arguments stand in the `turn.tool_call` before. */
  'approval.requested': { approval_id: string; step: number; call_id: string; name: string };
  'approval.resolved': {
    approval_id: string;
    step: number;
    call_id: string;
    approved: boolean;
    reason: string | null;
  };
  /** What a tool has emitted. `publisher`: the key of its call. */
  'task.custom': { event_type: string; payload: unknown; publisher: string };
  /** A call has started a task below this one. */
  'child.started': StartedChild;
  /** What a child has emitted, and its end: the next step reads them. */
  'child.custom': { task_id: string; name: string | null; event_type: string; payload: unknown };
  'child.completed': ChildResult;
  'child.failed': ChildLoss;
  'child.cancelled': ChildLoss;
  'task.progress': { progress: number; note?: string };
  'task.continued': { run_id: string };
  'task.completed': {
    output: { text: string } | { value: unknown };
    usage: Usage;
    text_length: number;
    text_sha256: string;
  };
  'task.failed': {
    failure: Failure;
    error: string;
    partial_output: string | null;
    usage: Usage;
    text_length: number;
    text_sha256: string;
  };
}

export type EventType = keyof EventData;

/** One entry of a task's durable log, numbered 1, 2, 3 … without holes. */
export type LogEventOf<T extends EventType> = {
  type: T;
  task_id: string;
  seq: number;
  at: string;
  data: EventData[T];
};
export type LogEvent = { [T in EventType]: LogEventOf<T> }[EventType];

export type TerminalEvent = LogEventOf<'task.completed'> | LogEventOf<'task.failed'>;
export type StepEntry = LogEventOf<'turn.thinking' | 'turn.final_answer' | 'turn.interrupted'>;

/** How a child has ended. */
export type ChildEndEntry =
  LogEventOf<'child.completed'> | LogEventOf<'child.failed'> | LogEventOf<'child.cancelled'>;

export function isTerminalEvent(event: LogEvent): event is TerminalEvent {
  return event.type === 'task.completed' || event.type === 'task.failed';
}

export function isChildEnd(event: LogEvent): event is ChildEndEntry {
  return (
    event.type === 'child.completed' ||
    event.type === 'child.failed' ||
    event.type === 'child.cancelled'
  );
}

/** Whether the event is a step's own entry: it carries the step's whole text and replaces its deltas. */
export function isStepEntry(event: LogEvent): event is StepEntry {
  return (
    event.type === 'turn.thinking' ||
    event.type === 'turn.final_answer' ||
    event.type === 'turn.interrupted'
  );
}

/**
 * The text that a run leaves behind: its answer, or what it had said when it was interrupted.
 * Null: it was interrupted while it thought aloud, or before it said anything.
 */
export function answerOf(log: readonly LogEvent[]): string | null {
  const last = log.findLast((event) => isStepEntry(event));
  if (!last || last.type === 'turn.thinking') return null;
  if (last.type === 'turn.interrupted' && last.data.tool_call_begun) return null;
  return textOf(last.data.blocks) || null;
}

/** What a `tool_run` gives: the output of its call. */
export function valueOf(log: readonly LogEvent[]): unknown {
  const last = log.findLast((event) => event.type === 'turn.tool_result');
  return last?.type === 'turn.tool_result' ? last.data.output : null;
}
