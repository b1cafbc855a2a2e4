import { parseCursor } from '../../contract/cursor.ts';
import type { DeltaFrame, Frame } from '../../contract/frames.ts';
import type { Block } from '../../contract/text.ts';
import type { Chunk } from '../system.ts';

type Said = Pick<Chunk, 'text' | 'reset' | 'terminal'>;

/** Where a reader stands in a step. */
interface Position {
  /** Null: the step that was going on at the reader's cursor. */
  step: number | null;
  attempt: number;
  /** UTF-16 length, over all blocks, of what it has. */
  end: number;
}

/**
 * Makes of each frame what a reader that follows the rule for readers does with it: a step's entry replaces what was shown of
 * the step, unless that is all of it already.
 */
export function createChunker(after?: string): (frame: Frame) => Said {
  let position = standsAt(after);
  return (frame) => {
    switch (frame.type) {
      case 'turn.delta':
        position = behind(frame);
        return { text: frame.kind === 'text' ? frame.text : '' };
      case 'turn.reset':
        position = { step: frame.step, attempt: frame.attempt, end: 0 };
        return { text: '', reset: true };
      case 'turn.thinking':
      case 'turn.final_answer':
      case 'turn.interrupted': {
        const whole = hasAll(position, frame.data);
        position = null;
        return whole ? { text: '' } : { text: textOf(frame.data.blocks), reset: true };
      }
      case 'snapshot':
        return { text: textOf(frame.blocks ?? []), reset: true };
      case 'task.completed':
      case 'task.failed':
        return { text: '', terminal: true };
      default:
        return { text: '' };
    }
  };
}

function standsAt(after: string | undefined): Position | null {
  if (after === undefined) return null;
  const cursor = parseCursor(after.split(':')[0] ?? '', after);
  if (typeof cursor === 'string' || cursor.attempt === 0) return null;
  return { step: null, attempt: cursor.attempt, end: cursor.offset };
}

function behind({ step, attempt, offset, text }: DeltaFrame): Position {
  return { step, attempt, end: offset + text.length };
}

function hasAll(
  position: Position | null,
  entry: { step: number; attempt: number; blocks: Block[] },
): boolean {
  const length = entry.blocks.reduce((sum, { text }) => sum + text.length, 0);
  if (position === null) return length === 0;
  const sameStep = position.step === null || position.step === entry.step;
  return sameStep && position.attempt === entry.attempt && position.end === length;
}

function textOf(blocks: readonly Block[]): string {
  return blocks.map(({ kind, text }) => (kind === 'text' ? text : '')).join('');
}
