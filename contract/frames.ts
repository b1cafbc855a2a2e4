import type { LogEvent } from './events.ts';
import type { Usage } from './task.ts';
import type { Block, BlockKind } from './text.ts';

/**
 * What an attempt has said so far, as its heartbeats carry it.
 * `seq` is the newest log entry when the attempt began: its text belongs behind that entry.
 */
export interface Partial {
  seq: number;
  step: number;
  attempt: number;
  blocks: Block[];
  /** Tokens of this attempt so far, by estimate until the provider has told. */
  usage: Usage;
  /** A tool call has begun in this attempt: what it said is no answer. */
  tool_call_begun?: true;
}

/** Whose a frame is that is no log entry: said only in feeds of several tasks. */
interface OfTask {
  task_id?: string;
}

/** A piece of text of the step that is being generated now. `offset` is where `text` begins, in UTF-16 units over all blocks. */
export interface DeltaFrame extends OfTask {
  type: 'turn.delta';
  step: number;
  attempt: number;
  block: number;
  kind: BlockKind;
  offset: number;
  text: string;
}

/** Drop what you have of this step: the text that follows is `attempt`'s, from its start. */
export interface ResetFrame extends OfTask {
  type: 'turn.reset';
  step: number;
  attempt: number;
}

/** The exact continuation cannot be given: drop what you have, this is the state as of `seq`. */
export interface SnapshotFrame extends OfTask {
  type: 'snapshot';
  seq: number;
  task: unknown;
  step?: number;
  attempt?: number;
  blocks?: Block[];
}

/** First in a feed that begins now: its id is the place where it begins, so that a reader who is cut off at once can resume. */
export interface OpenedFrame {
  type: 'feed.opened';
}

/** Of one task, and no entry of its log. */
export type LiveFrame = DeltaFrame | ResetFrame | SnapshotFrame;

export type Frame = LogEvent | LiveFrame | OpenedFrame;

/** Narrows heartbeat or failure details, which Temporal hands over untyped. */
export function isPartial(value: unknown): value is Partial {
  const candidate = value as Partial | null | undefined;
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    Number.isInteger(candidate.seq) &&
    Number.isInteger(candidate.step) &&
    Number.isInteger(candidate.attempt) &&
    Array.isArray(candidate.blocks)
  );
}
