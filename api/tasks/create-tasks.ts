import { setTimeout as sleep } from 'node:timers/promises';
import { progressOf } from '../../contract/progress.ts';
import type { TaskRecord } from '../../contract/task.ts';
import { isTerminal } from '../../contract/task.ts';
import { textOf } from '../../contract/text.ts';
import type { Live } from '../../contract/wire.ts';
import { announceTask } from '../../relay/relay.ts';
import { startRun } from '../../runs/start-run.ts';
import { conversationNotFound, taskNotFound } from '../errors.ts';
import type { Hubs } from '../feed/hubs.ts';
import { lastSeq } from '../feed/watched-task.ts';
import type { Tasks } from '../ports.ts';
import { createCanceller } from './cancel-task.ts';
import type { TasksDeps } from './dependencies.ts';
import { messageTask } from './message-task.ts';
import { reachRun } from './reach-run.ts';

/** An accepted task is answered for after so long, whether or not Temporal has answered, in milliseconds. */
const START_WAIT_MS = 500;
/** A caller who forgets many tasks waits for so long at most, in milliseconds: their records are gone, and histories follow. */
const FORGET_WAIT_MS = 5_000;

export interface StartingTasks extends Tasks {
  /** Resolves when nothing is on its way to Temporal any more: what is cut off there is left to the reconciler. */
  settled(): Promise<void>;
}

/** What a caller may do with tasks, over the store and Temporal. */
export function createTasks(deps: TasksDeps): StartingTasks {
  const { store, runs, hubs } = deps;
  const underWay = new Set<Promise<unknown>>();
  const canceller = createCanceller(deps);
  /** A history that stays is removed by Temporal's own retention. */
  const forgetRuns = (ids: readonly string[]) =>
    within(FORGET_WAIT_MS, Promise.allSettled(ids.map((id) => runs.forget(id))));
  return {
    async start(task, { key, watched = false } = {}) {
      const accepted = await store.acceptTask(task, key);
      if (!accepted) throw conversationNotFound();
      if (accepted.created) announceTask(deps.relay, accepted.task);
      const start = watched ? startWatched : startRun;
      const isDue = accepted.created && accepted.task.queued === null;
      // The start and the cancels are recorded: what does not reach Temporal is the reconciler's to repeat.
      const telling = Promise.allSettled([
        ...accepted.interrupted.map((result) => canceller.stop(result)),
        isDue && start(deps, accepted.task),
      ]).finally(() => underWay.delete(telling));
      underWay.add(telling);
      await within(START_WAIT_MS, telling);
      return accepted;
    },
    cancel: (id, owner, request) => canceller.cancelTask({ id, owner, ...request }),
    cancelConversation: (id, owner, request) =>
      canceller.cancelConversation({ id, owner, ...request }),
    message: (task, message) => messageTask(deps, task, message),
    decide: (task, decision) =>
      reachRun(deps, task, { send: () => runs.decide(task.id, decision) }),
    async live(task) {
      const { hub, release } = await hubs.lease(task);
      try {
        await hub.ready;
        if (!hub.progress()) await hub.readEnd();
        const live = liveOf(hub);
        return (
          live && {
            live,
            lastSeq: lastSeq(hub.task),
            usage: hub.progress()?.usage ?? task.usage,
            progress: progressOf(hub.task.log),
          }
        );
      } finally {
        release();
      }
    },
    async forget(id, owner) {
      if (!(await store.deleteTask(id, owner))) throw taskNotFound();
      await forgetRuns([id]);
    },
    async forgetEnded(conversationId, owner) {
      const ids = await store.forgetEndedTasks(conversationId, owner);
      if (!ids) throw conversationNotFound();
      await forgetRuns(ids);
      return ids.length;
    },
    async forgetConversation(id, owner) {
      const ids = await store.deleteConversation(id, owner);
      if (!ids) throw conversationNotFound();
      await forgetRuns(ids);
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}

/** Waits for the work, which goes on behind it where it takes longer. */
async function within(waitMs: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(waitMs, undefined, { ref: false })]);
}

/** The feed listens before the run begins: otherwise it would have to ask for what the run says first. */
async function startWatched(deps: TasksDeps, task: TaskRecord): Promise<void> {
  const lease = await deps.hubs.lease(task).catch(() => null);
  await startRun(deps, task).finally(lease?.release);
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
