import { START, type Cursor } from '../../contract/cursor.ts';
import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { NumberedTask } from '../../store/store.ts';
import type { Member } from './group-members.ts';
import type { Hubs } from './hubs.ts';
import { resume } from './resume.ts';
import { createTaskReader } from './task-reader.ts';
import { hasEnded } from './watched-task.ts';

export interface JoiningOptions {
  hubs: Hubs;
  deltas: boolean;
  view(task: TaskRecord): unknown;
  /** Called whenever there may be more to take of a member. */
  onChange(): void;
}

/** Makes tasks members of a feed of several, each with its place in its own log. */
export interface Joining {
  /** From their places on. One that was sent whole is left out. Throws `ApiError` `cursor_ahead`. */
  resume(tasks: readonly NumberedTask[], places: ReadonlyMap<number, Cursor>): Promise<Member[]>;
  /** From their first entry on. */
  begin(tasks: readonly NumberedTask[]): Promise<Member[]>;
}

export function createJoining({ hubs, deltas, view, onChange }: JoiningOptions): Joining {
  /** Null: nothing of it follows. */
  async function join({ number, task }: NumberedTask, at: Cursor): Promise<Member | null> {
    const { hub, release } = await hubs.lease(task);
    try {
      const found = await resume(hub, at, { status: task.status, deltas });
      if (found === 'ended') {
        release();
        return null;
      }
      const start = found === 'snapshot' ? null : found;
      const reader = createTaskReader({ hub, start, deltas, view });
      const unsubscribe = reader.onChange(onChange);
      const member: Member = {
        number,
        taskId: task.id,
        reader,
        at,
        hasEnded: isTerminal(task.status),
        ready: false,
        isWhole: () => hasEnded(hub.task),
        async readEnd(record) {
          const lease = await hubs.lease(record);
          lease.release();
        },
        leave() {
          unsubscribe();
          release();
        },
      };
      void hub.ready.then(() => {
        member.ready = true;
        onChange();
      });
      return member;
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    resume: (tasks, places) =>
      together(tasks.map((task) => join(task, places.get(task.number) ?? START))),
    begin: (tasks) => together(tasks.map((task) => join(task, START))),
  };
}

/** All of them, or none: where one is refused, the others are let go. */
async function together(joining: Promise<Member | null>[]): Promise<Member[]> {
  const outcomes = await Promise.allSettled(joining);
  const members = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' && outcome.value ? [outcome.value] : [],
  );
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (!refused) return members;
  for (const { leave } of members) leave();
  throw refused.reason;
}
