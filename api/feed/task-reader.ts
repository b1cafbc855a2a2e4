import type { TaskRecord } from '../../contract/task.ts';
import type { FrameTaker } from './frame-source.ts';
import type { Hub } from './hub.ts';
import { nextFrames, type Position, type WireFrame } from './next-frames.ts';
import { takeSnapshot } from './snapshot.ts';
import { isOver } from './watched-task.ts';

export interface TaskReaderOptions {
  hub: Hub;
  /** Null: a snapshot first. */
  start: Position | null;
  deltas: boolean;
  /** The task as callers see it, for snapshots. */
  view(task: TaskRecord): unknown;
}

/** One reader's place in a task's feed, moved on as frames are taken. */
export type TaskReader = FrameTaker<WireFrame>;

export function createTaskReader({ hub, start, deltas, view }: TaskReaderOptions): TaskReader {
  const { task } = hub;
  let position = start;
  let { generation } = task;
  let finished = false;

  /** What follows; after the log was rewritten, a snapshot first. */
  function follow(): WireFrame[] {
    if (position && generation === task.generation) {
      const frames = nextFrames(task, position);
      finished = frames.at(-1)?.last ?? false;
      return frames;
    }
    const snapshot = takeSnapshot(task, view(hub.record()), deltas);
    ({ position } = snapshot);
    ({ generation } = task);
    return [snapshot.frame];
  }

  return {
    take() {
      const frames = finished ? [] : follow();
      // Of a log that has ended and was not given to its end, the reader's cursor is ahead: it comes back, and is refused.
      return frames.length === 0 && isOver(task) ? null : frames;
    },
    onChange: (listener) => hub.onChange(listener),
  };
}
