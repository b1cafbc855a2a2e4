import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { FeedFrame } from '../../client/read-feed.ts';
import { createTranscript, type Transcript } from '../../client/transcript.ts';
import { isStepEntry, type LogEvent } from '../../contract/events.ts';
import { textOf } from '../../contract/text.ts';
import { within } from '../support/within.ts';

/** After every fault a run must have gone on well within this time, in milliseconds. */
export const RECOVERED_WITHIN_MS = 90_000;

/** A reader that keeps its cursor and its text over every lost connection. */
export interface KeptReader {
  readonly transcript: Transcript;
  /** The log entries that came, in their order. */
  readonly entries: LogEvent[];
  /** Resolves once the feed has ended. Rejects where a frame breaks the promise to readers. */
  readonly ended: Promise<void>;
  /** Waits until this is the text of the newest step. */
  untilText(text: string): Promise<void>;
}

export function keepReading(client: HoldfastClient, taskId: string): KeptReader {
  const transcript = createTranscript();
  const entries: LogEvent[] = [];
  let onFrame = () => {};

  function take({ id, frame }: FeedFrame): void {
    if ('seq' in frame && frame.type !== 'snapshot') {
      entries.push(frame);
      if (isStepEntry(frame)) assertPrefix(transcript, frame, id);
    }
    transcript.take(frame);
    onFrame();
  }
  async function read(): Promise<void> {
    for await (const frame of client.events(taskId)) take(frame);
  }
  const reading = read();
  const has = () => `${entries.map(({ type }) => type).join(' ')}; "${transcript.text()}"`;
  const ended = within(reading, () => `${taskId} to end, after ${has()}`, RECOVERED_WITHIN_MS);
  // Whoever waits for it hears of a failure; a reader that was left behind must not end the process.
  ended.catch(() => undefined);

  return {
    transcript,
    entries,
    ended,
    untilText(text) {
      const shown = new Promise<void>((resolve) => {
        onFrame = () => {
          if (transcript.text() === text) resolve();
        };
        onFrame();
      });
      const early = reading.then(() => Promise.reject(new Error(`${taskId} ended: ${has()}`)));
      return within(Promise.race([shown, early]), () => `"${text}", after ${has()}`);
    },
  };
}

/** What a reader shows of an attempt is a prefix of what the attempt's entry says. */
export function assertPrefix({ steps }: Transcript, entry: LogEvent, id: string): void {
  if (!isStepEntry(entry)) return;
  const { step, attempt, blocks } = entry.data;
  const shown = steps.get(step);
  if (shown?.attempt !== attempt) return;
  if (!textOf(blocks).startsWith(textOf(shown.blocks))) {
    throw new Error(`${id} says "${textOf(blocks)}", and "${textOf(shown.blocks)}" was shown`);
  }
}
