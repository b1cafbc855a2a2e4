import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import { createTranscripts, type Transcripts } from '../../client/transcripts.ts';
import type { LogEvent, TerminalEvent } from '../../contract/events.ts';
import type { Frame } from '../../contract/frames.ts';
import type { Lanes } from './lanes.ts';
import { showFrame } from './show-family.ts';

/** What a reader has of a conversation. It is kept over cut connections, as a browser would keep it. */
export interface FamilyReader {
  transcripts: Transcripts;
  /** The log entries of each task, as they came. */
  entries: Map<string, LogEvent[]>;
  /** Ids of the tasks by their names. */
  ids: Map<string, string>;
  /** The cursor behind the last frame: one for all tasks. */
  lastId: string | undefined;
  cuts: number;
  /** Attempts that were withdrawn because a newer one spoke. */
  resets: number;
}

export function createFamilyReader(): FamilyReader {
  return {
    transcripts: createTranscripts(),
    entries: new Map(),
    ids: new Map(),
    lastId: undefined,
    cuts: 0,
    resets: 0,
  };
}

/** What the task of this name has said in its newest step. */
export function textOf({ ids, transcripts }: FamilyReader, name: string): string {
  return transcripts.tasks.get(ids.get(name) ?? '')?.text() ?? '';
}

/** The entries of these kinds that the reader has of a task. */
export function entriesOf<T extends LogEvent['type']>(
  { ids, entries }: FamilyReader,
  name: string,
  ...types: T[]
): Extract<LogEvent, { type: T }>[] {
  const all = entries.get(ids.get(name) ?? '') ?? [];
  return all.filter((entry): entry is Extract<LogEvent, { type: T }> =>
    (types as string[]).includes(entry.type),
  );
}

export function endOf(reader: FamilyReader, name: string): TerminalEvent | undefined {
  return entriesOf(reader, name, 'task.completed', 'task.failed')[0];
}

export interface FamilyReadOptions {
  client: HoldfastClient;
  conversationId: string;
  lanes: Lanes;
  signal: AbortSignal;
  /** Cuts the connection where this holds, in the middle of whatever the tasks are doing. */
  until(reader: FamilyReader): boolean;
}

/** Reads on from where the reader stands, onto the screen. */
export async function readFamily(reader: FamilyReader, options: FamilyReadOptions): Promise<void> {
  const { client, conversationId, lanes, signal, until } = options;
  const feed = client.conversationEvents(conversationId, { after: reader.lastId, signal });
  for await (const { id, frame } of feed) {
    reader.lastId = id;
    take(reader, frame);
    if (frame.type === 'turn.reset') reader.resets += 1;
    if ('task_id' in frame && frame.task_id) showFrame(nameOf(reader, frame.task_id), frame, lanes);
    if (until(reader)) return;
  }
}

function take({ transcripts, entries, ids }: FamilyReader, frame: Frame): void {
  transcripts.take(frame);
  if (!('seq' in frame) || frame.type === 'snapshot') return;
  const { task_id } = frame;
  entries.set(task_id, [...(entries.get(task_id) ?? []), frame]);
  if (frame.type === 'task.accepted') ids.set(frame.data.name ?? frame.data.agent, task_id);
}

function nameOf({ ids }: FamilyReader, taskId: string): string {
  return [...ids].find(([, id]) => id === taskId)?.[0] ?? taskId;
}
