import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { FeedFrame } from '../../client/read-feed.ts';
import { createTranscript } from '../../client/transcript.ts';
import { createTranscripts } from '../../client/transcripts.ts';
import { isTerminalEvent, type LogEvent } from '../../contract/events.ts';
import { within } from '../support/within.ts';
import { assertPrefix, RECOVERED_WITHIN_MS, type KeptReader } from './kept-reader.ts';

/** A reader of a whole conversation, which keeps its cursor and its texts over every lost connection. */
export interface KeptFamilyReader {
  /** The id of the task of this name, once it was told of. */
  idOf(name: string): string | undefined;
  /** What it has of a task so far. */
  of(taskId: string): Pick<KeptReader, 'entries' | 'transcript'>;
  /** Waits until this holds. Rejects where a frame breaks the promise to readers. */
  until(holds: () => boolean, what: string): Promise<void>;
  untilEnded(taskIds: readonly string[]): Promise<void>;
}

/** Reads until the signal is aborted. */
export function keepReadingFamily(
  client: HoldfastClient,
  conversationId: string,
  signal: AbortSignal,
): KeptFamilyReader {
  const transcripts = createTranscripts();
  const entries = new Map<string, LogEvent[]>();
  const ids = new Map<string, string>();
  const watchers = new Set<() => void>();

  const of = (taskId: string) => ({
    entries: entries.get(taskId) ?? [],
    transcript: transcripts.tasks.get(taskId) ?? createTranscript(),
  });

  function take({ id, frame }: FeedFrame): void {
    if ('seq' in frame && frame.type !== 'snapshot') {
      const { task_id } = frame;
      const known = of(task_id);
      assertPrefix(known.transcript, frame, id);
      entries.set(task_id, [...known.entries, frame]);
      if (frame.type === 'task.accepted' && frame.data.name) ids.set(frame.data.name, task_id);
    }
    transcripts.take(frame);
    for (const watch of watchers) watch();
  }
  async function read(): Promise<void> {
    for await (const frame of client.conversationEvents(conversationId, { signal })) take(frame);
    throw new Error('nobody reads any more');
  }
  const reading = read();
  // Whoever waits hears of a failure; a reader that was left behind must not end the process.
  reading.catch(() => undefined);

  const has = () =>
    [...entries].map(([id, of]) => `${id}: ${of.map(({ type }) => type).join(' ')}`).join('; ');

  function until(holds: () => boolean, what: string): Promise<void> {
    let watch = () => {};
    const held = new Promise<void>((resolve) => {
      watch = () => {
        if (holds()) resolve();
      };
    });
    watchers.add(watch);
    watch();
    const early = Promise.race([held, reading]);
    return within(early, () => `${what}, after ${has()}`, RECOVERED_WITHIN_MS).finally(() =>
      watchers.delete(watch),
    );
  }

  return {
    idOf: (name) => ids.get(name),
    of,
    until,
    untilEnded(taskIds) {
      const hasEnded = (id: string) => of(id).entries.some(isTerminalEvent);
      return until(() => taskIds.every(hasEnded), `the end of ${taskIds.join(', ')}`);
    },
  };
}
