import { formatCursor } from '../../contract/cursor.ts';
import type { TaskRecord } from '../../contract/task.ts';
import { ApiError } from '../errors.ts';
import type { Feed, FeedPage, FeedRequest } from '../ports.ts';
import { sseResponse, type SseFrame, type SseSource } from '../sse.ts';
import { createChangeWaiter } from './change-waiter.ts';
import type { Hub } from './hub.ts';
import type { Hubs } from './hubs.ts';
import { nextFrames, type Position } from './next-frames.ts';
import { readCursor, resume } from './resume.ts';
import { takeSnapshot } from './snapshot.ts';
import { hasEnded, lastSeq } from './watched-task.ts';

export interface CreateFeedOptions {
  hubs: Hubs;
  /** A stream ends cleanly after so long, and its reader resumes, in milliseconds. */
  streamMaxMs: number;
  maxStreams: number;
  /** The task as callers see it, for snapshots. */
  view(task: TaskRecord): unknown;
}

/** The feed of a process: streams and pages over its hubs. */
export function createFeed({ hubs, streamMaxMs, maxStreams, view }: CreateFeedOptions): Feed {
  const draining = new AbortController();
  let streams = 0;

  async function stream(request: FeedRequest): Promise<Response> {
    const { task, deltas, drop, mayRead } = request;
    const cursor = readCursor(task.id, request.cursor);
    if (draining.signal.aborted)
      throw new ApiError('shutting_down', 'The server is shutting down.');
    if (streams >= maxStreams) throw new ApiError('too_many_streams', 'Too many streams are open.');
    streams += 1;
    const { hub, release } = await hubs.lease(task).catch((error: unknown) => {
      streams -= 1;
      throw error;
    });
    const end = () => {
      streams -= 1;
      release();
    };
    try {
      const found = await resume(hub, cursor, { status: task.status, deltas });
      if (found === 'ended') {
        end();
        return new Response(null, { status: 204 });
      }
      const over = AbortSignal.any([
        request.signal,
        draining.signal,
        AbortSignal.timeout(streamMaxMs),
      ]);
      const start = found === 'snapshot' ? null : found;
      return sseResponse({ ...reader({ hub, start, deltas, view, over, end }), drop, mayRead });
    } catch (error) {
      end();
      throw error;
    }
  }

  async function page(request: FeedRequest & { limit: number; waitMs: number }): Promise<FeedPage> {
    const { task, limit, waitMs } = request;
    const cursor = readCursor(task.id, request.cursor);
    const { hub, release } = await hubs.lease(task);
    try {
      await hub.ready;
      const found = await resume(hub, cursor, { status: task.status, deltas: false });
      const seq =
        typeof found === 'object' ? found.seq : lastSeq(hub.task) - (found === 'ended' ? 0 : 1);
      const over = AbortSignal.any([request.signal, draining.signal, AbortSignal.timeout(waitMs)]);
      const waiter = createChangeWaiter(hub, over);
      while (lastSeq(hub.task) <= seq && !hasEnded(hub.task) && !waiter.isOver())
        await waiter.changed();
      waiter.close();
      const data = hub.task.log.slice(seq, seq + limit);
      const next = data.at(-1)?.seq ?? seq;
      const last = lastSeq(hub.task);
      return {
        data,
        next: formatCursor(task.id, { seq: next, attempt: 0, offset: 0 }),
        last_seq: last,
        terminal: hasEnded(hub.task) && next === last,
      };
    } finally {
      release();
    }
  }

  return {
    stream,
    page,
    async drain() {
      draining.abort();
      await hubs[Symbol.asyncDispose]();
    },
  };
}

interface ReaderOptions {
  hub: Hub;
  /** Null: a snapshot first. */
  start: Position | null;
  deltas: boolean;
  view(task: TaskRecord): unknown;
  /** Aborted when the reader's time is over. */
  over: AbortSignal;
  end(): void;
}

/** One reader: a place in the hub's log, moved on as the connection takes frames. */
function reader(options: ReaderOptions): Pick<SseSource, 'next' | 'close'> {
  const { hub, start, deltas, view, over, end } = options;
  const { task } = hub;
  const waiter = createChangeWaiter(hub, over);
  let position = start;
  let { generation } = task;
  let finished = false;

  /** What follows; after the log was rewritten, a snapshot first. */
  function follow(): SseFrame[] {
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
    async next(waitMs) {
      for (let idle = false; ; idle = !(await waiter.changed(waitMs))) {
        if (finished || waiter.isOver()) return null;
        const frames = follow();
        if (frames.length > 0) return frames;
        // Its cursor is ahead of a log whose end nobody could tell when it came: it comes back, and is refused.
        if (hasEnded(task)) return null;
        if (idle) return [];
      }
    },
    close() {
      waiter.close();
      end();
    },
  };
}
