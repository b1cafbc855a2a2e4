import { isStepEntry } from '../../contract/events.ts';
import type { SnapshotFrame } from '../../contract/frames.ts';
import { spokenLength, type Block } from '../../contract/text.ts';
import { liveFrame, type Position, type WireFrame } from './next-frames.ts';
import { hasEnded, lastSeq, type WatchedTask } from './watched-task.ts';

/**
 * What a reader is given whose exact continuation cannot be given: the state as of now, and the place behind it. Of an
 * ended task the terminal entry follows.
 */
export function takeSnapshot(
  task: WatchedTask,
  view: unknown,
  deltas: boolean,
): { frame: WireFrame; position: Position } {
  const ended = hasEnded(task);
  const seq = lastSeq(task) - (ended ? 1 : 0);
  const spoken = ended ? lastStep(task) : speaking(task, seq);
  const length = spoken && !ended ? spokenLength(spoken.blocks) : 0;
  const attempt = length > 0 ? (spoken?.attempt ?? 0) : 0;
  const position = { seq, attempt, offset: length, deltas, following: !ended };
  const data: SnapshotFrame = { type: 'snapshot', seq, task: view, ...spoken };
  return { frame: liveFrame(task.taskId, position, data), position };
}

interface Spoken {
  step: number;
  attempt: number;
  blocks: Block[];
}

function lastStep({ log }: WatchedTask): Spoken | undefined {
  const entry = log.findLast((event) => isStepEntry(event));
  return entry && { step: entry.data.step, attempt: entry.data.attempt, blocks: entry.data.blocks };
}

function speaking({ live }: WatchedTask, seq: number): Spoken | undefined {
  if (!live || live.seq > seq) return undefined;
  return { step: live.step, attempt: live.attempt, blocks: live.blocks };
}
