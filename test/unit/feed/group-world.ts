import type { Hub } from '../../../api/feed/hub.ts';
import type { Hubs } from '../../../api/feed/hubs.ts';
import { openGroupReader, type GroupReader } from '../../../api/feed/group-reader.ts';
import { accepted } from '../../../api/feed/resume.ts';
import { parseGroupCursor } from '../../../api/feed/group-cursor.ts';
import {
  hasEnded,
  takeDelta,
  takeEntries,
  watchTask,
  type WatchedTask,
} from '../../../api/feed/watched-task.ts';
import type { LogEvent } from '../../../contract/events.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import { createInProcessRelay } from '../../../relay/in-process.ts';
import { announceTask } from '../../../relay/relay.ts';
import type { NumberedTask, Store, TaskGroup } from '../../../store/store.ts';
import type { ReceivedFrame } from '../../support/feed-reader.ts';
import { ACCEPTED, logOf, type Entry } from './events.ts';

export const GROUP: TaskGroup = { owner: 'me', conversationId: 'conv_1' };

/** Tasks of one conversation as a process knows them, with as many at work at once as one likes. */
export interface World {
  /** Opens a reader, behind a cursor as it came. */
  read(cursor?: string, deltas?: boolean): Promise<GroupReader>;
  /** Accepts a task; its number is its place in the order of acceptance. Not announced: only the store knows of it. */
  accept(options?: { announced?: boolean }): number;
  log(number: number, ...entries: Entry[]): void;
  /** The first step of the task says more. */
  say(number: number, offset: number, words: string): void;
  /** The task ends, and nobody tells its hub, which finds out once it is asked for a task that has ended. */
  endUnheard(number: number, ...entries: Entry[]): void;
  /** `heard`: its hub has found out. */
  forget(number: number, options?: { heard?: boolean }): void;
  /** How many readers the hubs have. */
  leases(): number;
  /** The store cannot be reached from now on, or can. */
  cutStore(cut: boolean): void;
  /** How often it was asked meanwhile. */
  refusals(): number;
  idOf(number: number): string;
}

interface Watched {
  number: number;
  watched: WatchedTask;
  listeners: Set<() => void>;
  unheard: Entry[];
}

export function createWorld(): World {
  const relay = createInProcessRelay();
  const tasks = new Map<number, Watched>();
  let leases = 0;
  let last = 0;
  let storeIsCut = false;
  let refusals = 0;

  const recordOf = ({ watched, unheard }: Watched) =>
    ({
      id: watched.taskId,
      owner: GROUP.owner,
      conversation_id: GROUP.conversationId,
      status: hasEnded(watched) || unheard.length > 0 ? 'COMPLETED' : 'RUNNING',
    }) as TaskRecord;
  const numbered = (task: Watched): NumberedTask => ({
    number: task.number,
    task: recordOf(task),
  });
  const all = () => {
    if (storeIsCut) {
      refusals += 1;
      throw new Error('the store is gone');
    }
    return [...tasks.values()];
  };
  const store: Pick<Store, 'groupTasks' | 'groupTasksBehind' | 'lastNumber'> = {
    groupTasks: async (_, numbers) =>
      all()
        .filter(({ number }) => numbers.includes(number))
        .map(numbered),
    groupTasksBehind: async (_, after, limit) =>
      all()
        .filter(({ number }) => number > after)
        .map(numbered)
        .slice(0, limit),
    lastNumber: async () => last,
  };
  const hubOf = (
    task: Watched,
  ): Pick<Hub, 'task' | 'ready' | 'record' | 'readEnd' | 'onChange'> => ({
    task: task.watched,
    ready: Promise.resolve(),
    record: () => recordOf(task),
    readEnd: async () => true,
    onChange(listener) {
      task.listeners.add(listener);
      return () => task.listeners.delete(listener);
    },
  });
  const hubs: Pick<Hubs, 'lease'> = {
    async lease({ id, status }) {
      const task = [...tasks.values()].find(({ watched }) => watched.taskId === id);
      if (!task) throw new Error('the task is gone');
      if (status === 'COMPLETED') append(task, task.unheard.splice(0));
      leases += 1;
      return { hub: hubOf(task) as Hub, release: () => void (leases -= 1) };
    },
  };
  const taskOf = (number: number) => tasks.get(number) as Watched;
  const append = (task: Watched, entries: Entry[]) => {
    if (entries.length === 0) return;
    const { watched } = task;
    takeEntries(watched, logFor(watched.taskId, watched.log.length, entries));
    changed(task);
  };
  const changed = ({ listeners }: Watched) => listeners.forEach((listener) => listener());

  return {
    read: (cursor, deltas = true) =>
      openGroupReader({
        store: store as Store,
        hubs: hubs as Hubs,
        relay,
        group: GROUP,
        start: accepted(parseGroupCursor('conv_1', cursor)),
        deltas,
        view: () => null,
      }),
    accept({ announced = true } = {}) {
      last += 1;
      const id = idOf(last);
      const watched = watchTask(id, logFor(id, 0, [ACCEPTED]));
      tasks.set(last, { number: last, watched, listeners: new Set(), unheard: [] });
      const row = { owner: GROUP.owner, conversation_id: GROUP.conversationId };
      if (announced) announceTask(relay, row);
      return last;
    },
    log: (number, ...entries) => append(taskOf(number), entries),
    endUnheard: (number, ...entries) => void taskOf(number).unheard.push(...entries),
    say(number, offset, text) {
      const piece = { step: 1, attempt: 1, block: 0, kind: 'text', offset, text } as const;
      takeDelta(taskOf(number).watched, 3, piece);
      changed(taskOf(number));
    },
    forget(number, { heard = false } = {}) {
      const task = taskOf(number);
      tasks.delete(number);
      task.watched.forgotten = heard;
      if (heard) changed(task);
    },
    leases: () => leases,
    refusals: () => refusals,
    cutStore: (cut) => void (storeIsCut = cut),
    idOf,
  };
}

function idOf(number: number): string {
  return `task_${number}`;
}

function logFor(task_id: string, behind: number, entries: Entry[]): LogEvent[] {
  return logOf(...entries).map((entry) => ({ ...entry, task_id, seq: entry.seq + behind }));
}

/** All that can be taken now; `null` at its end where the feed ends there. */
export function takeAll(reader: GroupReader): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  for (;;) {
    const taken = reader.take();
    if (taken === null) throw new Error('the feed has ended');
    if (taken.length === 0) return frames;
    for (const { id, data } of taken)
      frames.push({ id, raw: data, frame: JSON.parse(data) as ReceivedFrame['frame'] });
  }
}
