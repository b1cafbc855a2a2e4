import type { Frame } from '../contract/frames.ts';
import { createTranscript, type Transcript } from './transcript.ts';

/** The texts of several tasks, put together from the frames of one feed. */
export interface Transcripts {
  /** Takes the next frame, in the order of the feed. */
  take(frame: Frame): void;
  /** By task id, in the order in which the feed has shown them. */
  readonly tasks: ReadonlyMap<string, Transcript>;
}

/** A transcript for each task of a conversation's feed. */
export function createTranscripts(): Transcripts {
  const tasks = new Map<string, Transcript>();
  return {
    tasks,
    take(frame) {
      if (frame.type === 'feed.opened' || frame.task_id === undefined) return;
      const transcript = tasks.get(frame.task_id) ?? createTranscript();
      tasks.set(frame.task_id, transcript);
      transcript.take(frame);
    },
  };
}
