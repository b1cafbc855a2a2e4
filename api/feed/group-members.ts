import type { Cursor } from '../../contract/cursor.ts';
import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import { publicId } from '../../contract/task-id.ts';
import type { SseFrame } from '../sse.ts';
import { formatGroupCursor } from './group-cursor.ts';
import type { WireFrame } from './next-frames.ts';
import type { TaskReader } from './task-reader.ts';

/** A task whose frames a reader of several is given. */
export interface Member {
  number: number;
  taskId: string;
  reader: TaskReader;
  /** Where its reader has come to. */
  at: Cursor;
  /** Its record is known to have ended: it is given whole before those behind it are. */
  hasEnded: boolean;
  /** What its sources know can be taken. */
  ready: boolean;
  /** Whether the whole log can be taken. */
  isWhole(): boolean;
  /** Has the end of the log read, because the record says that there is one. */
  readEnd(record: TaskRecord): Promise<void>;
  /** Called once, when it is a member no more. */
  leave(): void;
}

/** The tasks that have joined a feed and were not sent whole, and so the place of its reader. */
export interface GroupMembers {
  /** Adds tasks, in the order of their numbers, behind all that have joined. */
  join(members: readonly Member[]): void;
  /** Says what the record of a task is now; null: it was forgotten. One whose whole log is known is given all the same. */
  update(number: number, record: TaskRecord | null): Promise<void>;
  numbers(): number[];
  /** Of the newest task that has joined. */
  through(): number;
  areReady(): boolean;
  /** The frames that follow, of one member at a time and in turn; empty where nothing is known to follow. Null: a reader is ahead of a log. */
  take(): SseFrame[] | null;
  /** The place behind all that was taken. */
  cursor(): string;
  close(): void;
}

export function createGroupMembers(feed: string, start: number): GroupMembers {
  const members = new Map<number, Member>();
  let through = start;
  /** Number of the member that was given last. */
  let given = 0;

  const cursor = () => {
    const open = new Map([...members.values()].map(({ number, at }) => [number, at]));
    return formatGroupCursor(feed, { through, open });
  };

  /** Those that may be given now, beginning behind the last one: a talkative task must not keep others from a slow reader. */
  function inTurn(): Member[] {
    const all = [...members.values()];
    const ended = all.findIndex(({ hasEnded }) => hasEnded);
    const open = ended < 0 ? all : all.slice(0, ended + 1);
    const next = open.findIndex(({ number }) => number > given);
    return [...open.slice(Math.max(next, 0)), ...open.slice(0, Math.max(next, 0))];
  }

  function drop(member: Member): void {
    members.delete(member.number);
    member.leave();
  }

  /** The frame as readers of several tasks get it: whose it is, and where it leaves them in all tasks. */
  function pass(member: Member, { at, live, data, last }: WireFrame): SseFrame {
    member.at = at;
    if (last) drop(member);
    const task_id = publicId(member.taskId);
    return { id: cursor(), data: live ? JSON.stringify({ ...live, task_id }) : data };
  }

  function take(): SseFrame[] | null {
    for (const member of inTurn()) {
      const frames = member.reader.take();
      if (frames === null) {
        if (member.isWhole()) return null;
        // It was forgotten, and those behind it have their turn.
        drop(member);
        return take();
      }
      if (frames.length === 0) continue;
      given = member.number;
      return frames.map((frame) => pass(member, frame));
    }
    return [];
  }

  return {
    join(joining) {
      for (const member of joining) {
        members.set(member.number, member);
        through = Math.max(through, member.number);
      }
    },
    async update(number, record) {
      const member = members.get(number);
      if (!member) return;
      if (!record) {
        if (!member.isWhole()) drop(member);
      } else if (isTerminal(record.status) && !member.hasEnded) {
        member.hasEnded = true;
        await member.readEnd(record);
      }
    },
    numbers: () => [...members.keys()],
    through: () => through,
    areReady: () => [...members.values()].every(({ ready }) => ready),
    take,
    cursor,
    close() {
      for (const member of members.values()) drop(member);
    },
  };
}
