import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import { openHub, type Hub, type HubDeps } from './hub.ts';
import { hasEnded } from './watched-task.ts';

/** A hub that nobody uses any more stays for so long, for a reader that comes back at once. */
const LINGER_MS = 3_000;

export interface HubLease {
  hub: Hub;
  /** Gives the hub back. Once. */
  release(): void;
}

export interface Hubs extends AsyncDisposable {
  /** The task's hub, shared by all its readers in this process. */
  lease(task: TaskRecord): Promise<HubLease>;
}

interface Entry {
  opening: Promise<Hub>;
  users: number;
  lingering?: NodeJS.Timeout;
}

export function createHubs(options: Omit<HubDeps, 'pulse'>): Hubs {
  const deps = { ...options, pulse: { heardAt: -Infinity } };
  const entries = new Map<string, Entry>();

  function close(taskId: string, entry: Entry): Promise<void> {
    if (entries.get(taskId) === entry) entries.delete(taskId);
    return entry.opening.then((hub) => hub[Symbol.asyncDispose]());
  }

  function release(taskId: string, entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.lingering = setTimeout(() => void close(taskId, entry), LINGER_MS);
  }

  return {
    async lease(task) {
      const entry = entries.get(task.id) ?? { opening: openHub(deps, task), users: 0 };
      entries.set(task.id, entry);
      clearTimeout(entry.lingering);
      entry.users += 1;
      try {
        const hub = await entry.opening;
        await catchUp(hub, task);
        return { hub, release: () => release(task.id, entry) };
      } catch (error) {
        entries.delete(task.id);
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      const open = [...entries];
      for (const [, entry] of open) clearTimeout(entry.lingering);
      await Promise.all(open.map(([taskId, entry]) => close(taskId, entry)));
    },
  };
}

/** A caller who has read that the task has ended must not be given a log without its end: the hub may not have heard yet. */
async function catchUp(hub: Hub, { status }: TaskRecord): Promise<void> {
  if (!isTerminal(status)) return;
  await hub.ready;
  if (!hasEnded(hub.task)) await hub.readEnd();
}
