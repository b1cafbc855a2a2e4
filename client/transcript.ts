import type { Spoken } from '../contract/events.ts';
import type { DeltaFrame, Frame, SnapshotFrame } from '../contract/frames.ts';
import { appendText, spokenLength, textOf, type Block } from '../contract/text.ts';

/** What one step says, as far as it was read. */
export interface TranscriptStep {
  attempt: number;
  blocks: Block[];
}

/** A run's text, put together from the frames of its feed. */
export interface Transcript {
  /** Takes the next frame, in the order of the feed. */
  take(frame: Frame): void;
  readonly steps: ReadonlyMap<number, TranscriptStep>;
  /** The text of a step without its reasoning; left out: of the newest one. Once the run has completed, that is its answer. */
  text(step?: number): string;
  /** UTF-16 units that were missing before a delta, and that came twice. Both stay 0 where the feed keeps its promise. */
  readonly gaps: number;
  readonly doubled: number;
}

/**
 * Puts a run's text together by the rule for readers: append deltas, drop the step's text at `turn.reset`, replace it at the
 * step's own entry. What comes twice is taken once.
 */
export function createTranscript(): Transcript {
  const steps = new Map<number, TranscriptStep>();
  let gaps = 0;
  let doubled = 0;

  function appendDelta({ step, attempt, kind, offset, text }: DeltaFrame): void {
    const shown = steps.get(step) ?? { attempt, blocks: [] };
    steps.set(step, shown);
    const ahead = offset - spokenLength(shown.blocks);
    gaps += Math.max(ahead, 0);
    const known = Math.min(Math.max(-ahead, 0), text.length);
    doubled += known;
    appendText(shown.blocks, kind, text.slice(known));
  }

  function replace({ step, attempt, blocks }: Pick<Spoken, 'step' | 'attempt' | 'blocks'>): void {
    steps.set(step, { attempt, blocks: blocks.map((block) => ({ ...block })) });
  }

  function startFrom({ step, attempt, blocks }: SnapshotFrame): void {
    steps.clear();
    if (step !== undefined && attempt !== undefined)
      replace({ step, attempt, blocks: blocks ?? [] });
  }

  return {
    steps,
    get gaps() {
      return gaps;
    },
    get doubled() {
      return doubled;
    },
    text: (step = Math.max(...steps.keys())) => textOf(steps.get(step)?.blocks ?? []),
    take(frame) {
      if (frame.type === 'turn.delta') appendDelta(frame);
      else if (frame.type === 'turn.reset') replace({ ...frame, blocks: [] });
      else if (frame.type === 'snapshot') startFrom(frame);
      else if (
        frame.type === 'turn.thinking' ||
        frame.type === 'turn.final_answer' ||
        frame.type === 'turn.interrupted'
      )
        replace(frame.data);
    },
  };
}
