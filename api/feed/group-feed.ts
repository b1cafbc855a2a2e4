import type { Relay } from '../../relay/relay.ts';
import type { OpenedFrame } from '../../contract/frames.ts';
import type { TaskRecord } from '../../contract/task.ts';
import type { Store, TaskGroup } from '../../store/store.ts';
import type { Feed, GroupFeedPage, GroupFeedRequest, PageRequest } from '../ports.ts';
import { sseResponse, type SseFrame } from '../sse.ts';
import { createChangeWaiter } from './change-waiter.ts';
import { createFrameSource, type FrameTaker } from './frame-source.ts';
import {
  feedName,
  formatGroupCursor,
  MAX_OPEN,
  parseGroupCursor,
  type GroupCursor,
} from './group-cursor.ts';
import { openGroupReader, type GroupReader } from './group-reader.ts';
import type { Hubs } from './hubs.ts';
import { accepted } from './resume.ts';
import type { StreamGate } from './stream-gate.ts';

/** For so long a page waits for what the sources know already, in milliseconds. */
const SETTLE_MS = 5_000;

export interface GroupFeedOptions {
  hubs: Hubs;
  store: Store;
  relay: Relay;
  gate: StreamGate;
  view(task: TaskRecord): unknown;
}

/** The feeds of several tasks: each reader's is put together from those of the tasks. */
export function createGroupFeed(options: GroupFeedOptions): {
  stream: Feed['streamGroup'];
  page: Feed['pageGroup'];
} {
  const { store, gate } = options;

  /** Where the reader begins. A conversation is read from its start; all tasks of an owner from now on, unless a cursor says otherwise. */
  async function startOf({ group, cursor }: GroupFeedRequest): Promise<Start> {
    const parsed = accepted(parseGroupCursor(feedName(group), cursor));
    if (group.conversationId !== null || cursor) return { cursor: parsed, first: [] };
    const now = await placeOfNow(store, group);
    const opened: OpenedFrame = { type: 'feed.opened' };
    const id = formatGroupCursor(feedName(group), now);
    return { cursor: now, first: [{ id, data: JSON.stringify(opened) }] };
  }

  const open = ({ group, deltas }: GroupFeedRequest, start: GroupCursor) =>
    openGroupReader({ ...options, group, deltas, start });

  return {
    async stream(request) {
      const { over, sent, leave } = gate.enter(request.signal);
      try {
        const { cursor, first } = await startOf(request);
        const reader = await open(request, cursor);
        const end = () => {
          leave();
          reader.close();
        };
        const source = createFrameSource(beginningWith(first, reader), { over, sent, end });
        return sseResponse({ ...source, drop: request.drop, mayRead: request.mayRead });
      } catch (error) {
        leave();
        throw error;
      }
    },

    async page(request) {
      const { cursor } = await startOf(request);
      const reader = await open({ ...request, deltas: false }, cursor);
      try {
        return await readPage(reader, request, AbortSignal.any([request.signal, gate.draining]));
      } finally {
        reader.close();
      }
    },
  };
}

interface Start {
  cursor: GroupCursor;
  /** What the reader is given ahead of everything else. */
  first: readonly SseFrame[];
}

/**
 * The tasks that have not ended, each from its first entry, and those that will be accepted. Where too many are open, also
 * those that have ended since the first one that has no place.
 */
async function placeOfNow(store: Store, group: TaskGroup): Promise<GroupCursor> {
  const { newest, active } = await store.groupNow(group, MAX_OPEN + 1);
  const start = { seq: 0, attempt: 0, offset: 0 };
  const open = new Map(active.slice(0, MAX_OPEN).map(({ number }) => [number, start]));
  const beyond = active[MAX_OPEN];
  return { through: beyond ? beyond.number - 1 : newest, open };
}

function beginningWith(first: readonly SseFrame[], frames: FrameTaker): FrameTaker {
  let isFirst = first.length > 0;
  return {
    ...frames,
    take() {
      if (!isFirst) return frames.take();
      isFirst = false;
      return first;
    },
  };
}

/** Up to `limit` frames of what is known now; where nothing is, waits for what comes first. */
async function readPage(
  reader: GroupReader,
  { limit, waitMs }: PageRequest,
  over: AbortSignal,
): Promise<GroupFeedPage> {
  const until = performance.now() + waitMs;
  const waiter = createChangeWaiter(reader, over);
  const cursor = reader.cursor();
  const frames: SseFrame[] = [];
  let settledBy: number | null = null;
  while (frames.length < limit && !waiter.isOver()) {
    const taken = reader.take();
    if (taken === null) break;
    frames.push(...taken);
    if (taken.length > 0) continue;
    const settled = reader.isSettled();
    settledBy = settled ? null : (settledBy ?? performance.now() + SETTLE_MS);
    const leftMs = (settledBy ?? until) - performance.now();
    if (leftMs <= 0 || (settled && frames.length > 0)) break;
    await waiter.changed(leftMs);
  }
  waiter.close();
  const page = frames.slice(0, limit);
  return {
    data: page.map(({ data }) => JSON.parse(data) as unknown),
    next: page.at(-1)?.id ?? cursor,
  };
}
