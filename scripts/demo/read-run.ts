import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import { createTranscript, type Transcript } from '../../client/transcript.ts';
import type { TerminalEvent } from '../../contract/events.ts';
import type { Frame } from '../../contract/frames.ts';
import type { Screen } from './screen.ts';

/** What a reader has of a run. It is kept over lost connections, as a browser would keep it. */
export interface Reader {
  transcript: Transcript;
  /** The cursor behind the last frame. */
  lastId: string | undefined;
  /** Attempts that were withdrawn because a newer one spoke. */
  resets: number;
  terminal: TerminalEvent | null;
}

export function createReader(): Reader {
  return { transcript: createTranscript(), lastId: undefined, resets: 0, terminal: null };
}

export interface ReadOptions {
  client: HoldfastClient;
  taskId: string;
  screen: Screen;
  /** Leaves where this holds, in the middle of whatever the run is doing. */
  until?: (reader: Reader) => boolean;
}

/** Reads on from where the reader stands, onto the screen. */
export async function readRun(reader: Reader, options: ReadOptions): Promise<void> {
  const { client, taskId, screen, until = () => false } = options;
  for await (const { id, frame } of client.events(taskId, { after: reader.lastId })) {
    reader.lastId = id;
    reader.transcript.take(frame);
    show(frame, screen);
    if (frame.type === 'turn.reset') reader.resets += 1;
    if (frame.type === 'task.completed' || frame.type === 'task.failed') reader.terminal = frame;
    if (until(reader)) return;
  }
}

function show(frame: Frame, screen: Screen): void {
  if (frame.type === 'turn.delta' && frame.kind === 'text') screen.stream(frame.text);
  if (frame.type === 'turn.reset') {
    screen.say(`  ↺ turn.reset: attempt ${frame.attempt} speaks; the reader drops the one before.`);
  }
}

/** Whether the text ends within a sentence, after this many characters at least. */
export function inMidSentence(text: string, least: number): boolean {
  return text.length >= least && /[a-z] $/.test(text);
}
