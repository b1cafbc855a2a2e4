import type { Relay } from '../../relay/relay.ts';
import type { NumberedTask, Store, TaskGroup } from '../../store/store.ts';
import type { FrameTaker } from './frame-source.ts';
import { feedName, MAX_OPEN, type GroupCursor } from './group-cursor.ts';
import { createJoining, type JoiningOptions } from './group-joining.ts';
import { openLookout } from './group-lookout.ts';
import { createGroupMembers } from './group-members.ts';
import { cursorAhead } from './resume.ts';

export interface GroupReaderOptions extends Omit<JoiningOptions, 'onChange'> {
  store: Store;
  relay: Relay;
  group: TaskGroup;
  start: GroupCursor;
}

/** One reader's place in the feed of several tasks. Those that are accepted meanwhile join. */
export interface GroupReader extends FrameTaker {
  /** The place behind all that was taken. */
  cursor(): string;
  /** Whether all that is known to follow can be taken: what `take` does not give then is still to come. */
  isSettled(): boolean;
  close(): void;
}

/**
 * Opens a feed of several tasks behind a cursor. Throws `ApiError` `cursor_ahead`, and `StoreUnavailable`; where the store is
 * lost later, the tasks that have joined go on.
 */
export async function openGroupReader(options: GroupReaderOptions): Promise<GroupReader> {
  const { store, relay, group, start } = options;
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  const members = createGroupMembers(feedName(group), start.through);
  // The bell is heard before the store is asked, so that no task is accepted between the two.
  const lookout = await openLookout(relay, group);
  const onChange = () => {
    lookout.moved();
    notify();
  };
  const joining = createJoining({ ...options, onChange });
  let closed = false;
  /** There are, or may be, tasks that wait for a place. */
  let more = true;

  async function findNew(places: number): Promise<NumberedTask[]> {
    const tasks =
      places === 0 ? [] : await store.groupTasksBehind(group, members.through(), places);
    more = tasks.length === places;
    return tasks;
  }

  async function resume(): Promise<void> {
    if (start.through === 0) return;
    if (start.through > (await store.lastNumber())) throw cursorAhead();
    const tasks = await store.groupTasks(group, [...start.open.keys()]);
    members.join(await joining.resume(tasks, start.open));
  }

  /** Of those whose record is gone nothing will follow; those that have ended go ahead of tasks that join later. */
  async function lookAfterMembers(): Promise<void> {
    const numbers = members.numbers();
    if (numbers.length === 0) return;
    const tasks = await store.groupTasks(group, numbers);
    const records = new Map(tasks.map(({ number, task }) => [number, task]));
    await Promise.all(numbers.map((number) => members.update(number, records.get(number) ?? null)));
  }

  async function joinNew(tasks: readonly NumberedTask[]): Promise<void> {
    // A drain has closed the hubs, and a new one would outlive it.
    if (closed) return;
    const joined = await joining.begin(tasks);
    if (closed) for (const { leave } of joined) leave();
    else members.join(joined);
    if (joined.length > 0) lookout.moved();
  }

  /** The members' records are read last, so that the end of a task is known that was before a new one was accepted. */
  async function look(): Promise<void> {
    const tasks = await findNew(MAX_OPEN - members.numbers().length);
    await lookAfterMembers();
    await joinNew(tasks);
  }

  async function work(): Promise<void> {
    for (let failures = 0; ;) {
      await lookout.pause(failures);
      if (closed) return;
      try {
        await look();
        failures = 0;
      } catch {
        failures += 1;
      }
      notify();
    }
  }

  function close(): void {
    closed = true;
    lookout.close();
    members.close();
  }

  try {
    const tasks = await findNew(MAX_OPEN - start.open.size);
    await resume();
    await joinNew(tasks);
  } catch (error) {
    close();
    throw error;
  }
  void work();

  return {
    take() {
      const before = members.numbers().length;
      const frames = members.take();
      if (more && members.numbers().length < before) lookout.hasten();
      return frames;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    cursor: members.cursor,
    isSettled: () => members.areReady() && (!more || members.numbers().length === MAX_OPEN),
    close,
  };
}
