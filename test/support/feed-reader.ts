import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { LogEvent } from '../../contract/events.ts';
import type { DeltaFrame, Frame } from '../../contract/frames.ts';
import type { Block } from '../../contract/text.ts';
import { freshFetch } from './fresh-fetch.ts';
import { within } from './within.ts';

/** A frame as it came over the wire. */
export interface ReceivedFrame {
  id: string;
  /** The raw line of JSON. */
  raw: string;
  frame: Frame;
}

/** What a reader that follows the rule for readers has on its screen: the blocks of each step. */
export class Screen {
  readonly steps = new Map<number, { attempt: number; blocks: Block[] }>();

  /** Throws where a frame breaks the promise: text that does not begin where the reader stands. */
  show({ frame }: ReceivedFrame): void {
    switch (frame.type) {
      case 'turn.delta':
        this.#append(frame);
        break;
      case 'turn.reset':
        this.steps.set(frame.step, { attempt: frame.attempt, blocks: [] });
        break;
      case 'turn.thinking':
      case 'turn.final_answer':
      case 'turn.interrupted': {
        const { step, attempt, blocks } = frame.data;
        this.steps.set(step, { attempt, blocks });
        break;
      }
      case 'snapshot':
        this.steps.clear();
        if (frame.step !== undefined) {
          const { step, attempt = 1, blocks = [] } = frame;
          this.steps.set(step, { attempt, blocks });
        }
        break;
      default:
    }
  }

  /** The text blocks of a step, in order. */
  text(step: number): string {
    const blocks = this.steps.get(step)?.blocks ?? [];
    return blocks.map(({ kind, text }) => (kind === 'text' ? text : '')).join('');
  }

  /** Everything that a step says, reasoning too. */
  all(step: number): string {
    return (this.steps.get(step)?.blocks ?? []).map(({ text }) => text).join('');
  }

  #append({ step, attempt, block, kind, offset, text }: DeltaFrame): void {
    const shown = this.steps.get(step) ?? { attempt, blocks: [] };
    this.steps.set(step, shown);
    if (shown.attempt !== attempt) throw new Error(`text of attempt ${attempt} without a reset`);
    const length = shown.blocks.reduce((sum, one) => sum + one.text.length, 0);
    if (offset !== length) throw new Error(`text at offset ${offset}, expected ${length}`);
    const last = shown.blocks[block];
    if (last) last.text += text;
    else shown.blocks[block] = { kind, text };
  }
}

/** A reader of one SSE connection. Frames are collected as they come. */
export interface FeedReader {
  status: number;
  headers: Headers;
  frames: ReceivedFrame[];
  screen: Screen;
  /** In a feed of several tasks: by task id. */
  screens: Map<string, Screen>;
  /** Resolves with the first frame, also one that has come already, for which the predicate holds. Rejects after 30 s, or at the end. */
  until(predicate: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame>;
  /** Waits until something of the screen or the frames holds. */
  untilTrue(holds: () => boolean): Promise<void>;
  /** Resolves when the server has ended the response; rejects 30 s after it was asked for. */
  readonly ended: Promise<void>;
  /** Drops the connection. */
  drop(): void;
}

export interface OpenReaderOptions {
  /** Sent as `Last-Event-ID`. */
  cursor?: string | undefined;
  init?: RequestInit;
  /** What the reader's screen shows already. */
  screen?: Screen;
  /** Given for a feed of several tasks: what its screens show already, by task id. */
  screens?: Map<string, Screen> | undefined;
}

/** Opens a feed. `url` is that of the feed, or of `POST /v1/tasks` with a body in `init`. */
export async function openReader(
  url: string,
  options: OpenReaderOptions = {},
): Promise<FeedReader> {
  const controller = new AbortController();
  const { init, cursor, screen = new Screen(), screens } = options;
  const response = await freshFetch(url, {
    ...init,
    signal: controller.signal,
    headers: {
      Accept: 'text/event-stream',
      ...(cursor === undefined ? {} : { 'Last-Event-ID': cursor }),
      ...init?.headers,
    },
  });
  const frames: ReceivedFrame[] = [];
  const watchers = new Set<() => void>();
  let problem: unknown;
  let over = false;

  /** A broken promise fails the run of the tests, also where nobody waits for this reader any more. */
  function show(received: ReceivedFrame): void {
    try {
      if (screens) showOne(screens, received);
      else screen.show(received);
    } catch (error) {
      void Promise.reject(error);
      throw error;
    }
  }

  async function collect(): Promise<void> {
    if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      return;
    const events = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { id = '', data } of events) {
      const received = { id, raw: data, frame: JSON.parse(data) as ReceivedFrame['frame'] };
      frames.push(received);
      show(received);
      for (const watch of watchers) watch();
    }
  }
  const ended = collect()
    .catch((error: unknown) => {
      if (!controller.signal.aborted) problem = error;
    })
    .finally(() => {
      over = true;
      for (const watch of watchers) watch();
    });

  function untilTrue(holds: () => boolean): Promise<void> {
    const held = new Promise<void>((resolve, reject) => {
      const watch = () => {
        if (holds()) resolve();
        else if (problem) reject(problem as Error);
        else if (over)
          reject(
            new Error(`the feed ended after ${frames.map(({ frame }) => frame.type).join(' ')}`),
          );
        else return;
        watchers.delete(watch);
      };
      watchers.add(watch);
      watch();
    });
    return within(
      held,
      () => `the feed to go on after ${frames.map(({ frame }) => frame.type).join(' ')}`,
    );
  }

  async function untilEnded(): Promise<void> {
    await within(ended, () => 'the feed to end');
    if (problem) throw problem as Error;
  }

  return {
    status: response.status,
    headers: response.headers,
    frames,
    screen,
    screens: screens ?? new Map(),
    untilTrue,
    async until(predicate) {
      await untilTrue(() => frames.some(predicate));
      return frames.find(predicate) as ReceivedFrame;
    },
    get ended() {
      return untilEnded();
    },
    drop: () => controller.abort(),
  };
}

/** Shows a frame on the screen of its task, which must be said; on an empty one where another epoch of its id begins. */
export function showOne(screens: Map<string, Screen>, received: ReceivedFrame): void {
  const id = taskOf(received);
  if (id === null) return;
  const isFirst = received.frame.type === 'task.accepted';
  const screen = (!isFirst && screens.get(id)) || new Screen();
  screens.set(id, screen);
  screen.show(received);
}

/** The task that a frame of a feed of several is of; null: of none. */
export function taskOf({ raw, frame }: ReceivedFrame): string | null {
  if (frame.type === 'feed.opened') return null;
  if (frame.task_id === undefined) throw new Error(`${raw} does not say whose it is`);
  return frame.task_id;
}

/** The log entries among the frames. */
export function entriesOf(frames: readonly ReceivedFrame[]): LogEvent[] {
  return frames.flatMap(({ frame }) =>
    'seq' in frame && frame.type !== 'snapshot' ? [frame as LogEvent] : [],
  );
}
