import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { Metrics } from '../../metrics/create-metrics.ts';
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

export interface HubsOptions extends Omit<HubDeps, 'pulse'> {
  metrics: Pick<Metrics, 'hubs'>;
}

interface Entry {
  opening: Promise<Hub>;
  users: number;
  lingering?: NodeJS.Timeout;
}

export function createHubs({ metrics, ...options }: HubsOptions): Hubs {
  const deps = { ...options, pulse: { heardAt: -Infinity } };
  const entries = new Map<string, Entry>();
  const closing = new Set<Promise<void>>();

  function open(task: TaskRecord): Entry {
    const entry = { opening: openHub(deps, task), users: 0 };
    entries.set(task.id, entry);
    metrics.hubs.inc();
    return entry;
  }

  function remove(taskId: string, entry: Entry): void {
    if (entries.get(taskId) !== entry) return;
    entries.delete(taskId);
    metrics.hubs.dec();
  }

  function close(taskId: string, entry: Entry): void {
    remove(taskId, entry);
    const closed = dispose(entry).finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function release(taskId: string, entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.lingering = setTimeout(() => close(taskId, entry), LINGER_MS);
  }

  return {
    async lease(task) {
      const entry = entries.get(task.id) ?? open(task);
      clearTimeout(entry.lingering);
      entry.users += 1;
      try {
        const hub = await entry.opening;
        await catchUp(hub, task);
        return { hub, release: () => release(task.id, entry) };
      } catch (error) {
        remove(task.id, entry);
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      for (const [taskId, entry] of entries) {
        clearTimeout(entry.lingering);
        close(taskId, entry);
      }
      await Promise.all(closing);
    },
  };
}

/** A hub that could not be opened has told so whoever asked for it. */
async function dispose({ opening }: Entry): Promise<void> {
  const hub = await opening.catch(() => null);
  await hub?.[Symbol.asyncDispose]();
}

/** A caller who has read that the task has ended must not be given a log without its end: the hub may not have heard yet. */
async function catchUp(hub: Hub, { status }: TaskRecord): Promise<void> {
  if (!isTerminal(status)) return;
  await hub.ready;
  if (!hasEnded(hub.task)) await hub.readEnd();
}
