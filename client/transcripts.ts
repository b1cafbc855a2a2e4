import type { Frame } from '../contract/frames.ts';
import { createTranscript, type Transcript } from './transcript.ts';

/** The texts of several tasks, put together from the frames of one feed. */
export interface Transcripts {
  /** Takes the next frame, in the order of the feed. */
  take(frame: Frame): void;
  /** By task id, in the order in which the feed has shown them. Of an id that was given again: the newest epoch's. */
  readonly tasks: ReadonlyMap<string, Transcript>;
}

/** A transcript for each task of a conversation's feed. */
export function createTranscripts(): Transcripts {
  const tasks = new Map<string, Transcript>();
  return {
    tasks,
    take(frame) {
      if (frame.type === 'feed.opened' || frame.task_id === undefined) return;
      // The first entry of a task: of an id that was given again nothing of the epoch before follows.
      if (frame.type === 'task.accepted') tasks.delete(frame.task_id);
      const transcript = tasks.get(frame.task_id) ?? createTranscript();
      tasks.set(frame.task_id, transcript);
      transcript.take(frame);
    },
  };
}
