import { formatCursor } from '../../contract/cursor.ts';
import type { TaskRecord } from '../../contract/task.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Store } from '../../store/store.ts';
import type { Feed, FeedPage, PageRequest, TaskFeedRequest } from '../ports.ts';
import { sseResponse } from '../sse.ts';
import { createChangeWaiter } from './change-waiter.ts';
import { createFrameSource } from './frame-source.ts';
import { createGroupFeed } from './group-feed.ts';
import type { Hubs } from './hubs.ts';
import { readCursor, resume } from './resume.ts';
import { createStreamGate, type StreamGateOptions } from './stream-gate.ts';
import { createTaskReader } from './task-reader.ts';
import { hasEnded, isOver, lastSeq } from './watched-task.ts';
import { wireEntry } from './wire-entry.ts';

export interface CreateFeedOptions extends StreamGateOptions {
  hubs: Hubs;
  store: Store;
  relay: Relay;
  /** The task as callers see it, for snapshots. */
  view(task: TaskRecord): unknown;
}

/** The feeds of a process: streams and pages over its hubs. */
export function createFeed(options: CreateFeedOptions): Feed {
  const { hubs, view } = options;
  const gate = createStreamGate(options);
  const group = createGroupFeed({ ...options, gate });

  async function stream(request: TaskFeedRequest): Promise<Response> {
    const { task, deltas, drop, mayRead } = request;
    const cursor = readCursor(task.id, request.cursor);
    const { over, sent, leave } = gate.enter(request.signal);
    const { hub, release } = await hubs.lease(task).catch((error: unknown) => {
      leave();
      throw error;
    });
    const end = () => {
      leave();
      release();
    };
    try {
      const found = await resume(hub, cursor, { status: task.status, deltas });
      if (found === 'ended') {
        end();
        return new Response(null, { status: 204 });
      }
      const start = found === 'snapshot' ? null : found;
      const reader = createTaskReader({ hub, start, deltas, view });
      return sseResponse({ ...createFrameSource(reader, { over, sent, end }), drop, mayRead });
    } catch (error) {
      end();
      throw error;
    }
  }

  async function page(request: TaskFeedRequest & PageRequest): Promise<FeedPage> {
    const { task, limit, waitMs } = request;
    const cursor = readCursor(task.id, request.cursor);
    const { hub, release } = await hubs.lease(task);
    try {
      await hub.ready;
      const found = await resume(hub, cursor, { status: task.status, deltas: false });
      const seq =
        typeof found === 'object' ? found.seq : lastSeq(hub.task) - (found === 'ended' ? 0 : 1);
      const over = AbortSignal.any([request.signal, gate.draining, AbortSignal.timeout(waitMs)]);
      const waiter = createChangeWaiter(hub, over);
      while (lastSeq(hub.task) <= seq && !isOver(hub.task) && !waiter.isOver())
        await waiter.changed();
      waiter.close();
      const entries = hub.task.log.slice(seq, seq + limit);
      const next = entries.at(-1)?.seq ?? seq;
      const last = lastSeq(hub.task);
      return {
        data: entries.map(wireEntry),
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
    streamGroup: group.stream,
    pageGroup: group.page,
    async drain() {
      gate.drain();
      await hubs[Symbol.asyncDispose]();
    },
  };
}
