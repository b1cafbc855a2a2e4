import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskRecord } from '../../contract/task.ts';
import { isTerminal } from '../../contract/task.ts';
import { textOf } from '../../contract/text.ts';
import type { Live } from '../../contract/wire.ts';
import { announceTask } from '../../relay/relay.ts';
import { conversationNotFound, taskNotFound } from '../errors.ts';
import type { Hubs } from '../feed/hubs.ts';
import { lastSeq } from '../feed/watched-task.ts';
import type { Tasks } from '../ports.ts';
import { cancelTask } from './cancel-task.ts';
import type { TasksDeps } from './dependencies.ts';
import { messageTask } from './message-task.ts';
import { reachRun } from './reach-run.ts';

/** An accepted task is answered for after so long, whether or not Temporal has answered, in milliseconds. */
const START_WAIT_MS = 500;

export interface StartingTasks extends Tasks {
  /** Resolves when no start is on its way to Temporal any more: what is cut off there is left to the reconciler. */
  settled(): Promise<void>;
}

/** What a caller may do with tasks, over the store and Temporal. */
export function createTasks(deps: TasksDeps): StartingTasks {
  const { store, runs, hubs } = deps;
  const starts = new Set<Promise<void>>();
  return {
    async start(task, { key, watched = false } = {}) {
      const accepted = await store.acceptTask(task, key);
      if (!accepted) throw conversationNotFound();
      if (accepted.created) {
        announceTask(deps.relay, accepted.task);
        const start = watched ? startWatched : startRun;
        const starting = start(deps, accepted.task).finally(() => starts.delete(starting));
        starts.add(starting);
        await Promise.race([starting, sleep(START_WAIT_MS, undefined, { ref: false })]);
      }
      return accepted;
    },
    cancel: (id, owner, request) => cancelTask(deps, { id, owner, ...request }),
    message: (task, message) => messageTask(deps, task, message),
    decide: (task, decision) => reachRun(deps, task, () => runs.decide(task.id, decision)),
    async live(task) {
      const { hub, release } = await hubs.lease(task);
      try {
        await hub.ready;
        if (!hub.progress()) await hub.readEnd();
        const live = liveOf(hub);
        return (
          live && { live, lastSeq: lastSeq(hub.task), usage: hub.progress()?.usage ?? task.usage }
        );
      } finally {
        release();
      }
    },
    async forget(id, owner) {
      if (!(await store.deleteTask(id, owner))) throw taskNotFound();
      // The record is gone; a history that stays is removed by Temporal's own retention.
      await runs.forget(id).catch(() => undefined);
    },
    async settled() {
      await Promise.all(starts);
    },
  };
}

/** The feed listens before the run begins: otherwise it would have to ask for what the run says first. */
async function startWatched(deps: TasksDeps, task: TaskRecord): Promise<void> {
  const lease = await deps.hubs.lease(task).catch(() => null);
  await startRun(deps, task);
  lease?.release();
}

/** Accepting is durable, so a start that does not reach Temporal is the reconciler's to repeat. */
async function startRun({ store, runs }: TasksDeps, task: TaskRecord): Promise<void> {
  try {
    await runs.start(task);
    await store.markStarted(task.id);
  } catch {
    // The task stays PENDING, and the reconciler starts it.
  }
}

/** Null where no worker has told what the run is doing. */
function liveOf(hub: Awaited<ReturnType<Hubs['lease']>>['hub']): Live | null {
  const progress = hub.progress();
  if (!progress || isTerminal(hub.record().status)) return null;
  const { step, attempt, phase, tool, pending_approvals = [] } = progress;
  const { live } = hub.task;
  return {
    step,
    attempt,
    phase,
    tool,
    text: live?.step === step ? textOf(live.blocks) : '',
    pending_approvals,
    persistence_error: hub.persistenceError(),
  };
}
