import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { ATTEMPT_FAILURES } from '../contract/failures.ts';
import type { TaskRecord } from '../contract/task.ts';
import { sendCancel } from '../runs/cancel-run.ts';
import { cancelBelow } from '../runs/cancel-tree.ts';
import { startRun } from '../runs/start-run.ts';
import { tellParentAgain } from '../runs/tell-parent.ts';
import { endFromOutside, type EndFromOutsideDeps } from './end-from-outside.ts';
import { isUnreachable } from './patiently.ts';

/** Pause between two rounds. A recorded cancel or start that could not be sent is sent this soon after Temporal's return. */
const ROUND_MS = 1_000;
/** How often the workflow of a RUNNING task is looked at. */
const CHECK_EVERY_MS = 10_000;
/** A PENDING task gets this long to begin by the start that its API sent. */
const START_GRACE_MS = 2_000;
/** The run of a parent gets this long to be told of an end by the child's own. */
const PARENT_GRACE_MS = 2_000;
/** The store is away for so long before the shift is left to another worker, which may reach it. */
const STORE_PATIENCE_MS = 5_000;
/** Tasks per round and kind. */
const BATCH = 50;
/** So far beyond its end a shift may go on that has found as many as it takes. */
const OVERTIME_MS = 60_000;

export interface SweepDeps extends EndFromOutsideDeps {
  /** Aborted when the worker begins to stop. A round is short, so that the shift is handed over without using up the grace. */
  stopping: AbortSignal;
  /**
   * A shift ends after the round in which it is this old, in milliseconds, or up to a minute older while more is left to do; the
   * schedule begins the next one.
   */
  shiftMs: number;
}

/**
 * The reconciler's shift: starts PENDING tasks that no workflow carries, sends recorded cancels again, those of trees to every task, tells
 * parents of ends, ends RUNNING tasks whose workflow is closed or absent. What cannot be reached is left for the next round: unreachable is
 * neither.
 */
export function createSweep(deps: SweepDeps) {
  const { store } = deps;
  return async function sweep(): Promise<void> {
    const context = Context.current();
    const end = Date.now() + deps.shiftMs;
    let reachedAt = Date.now();
    for (;;) {
      context.heartbeat();
      let isMoreLeft = false;
      const each = async <Due>(all: Due[], work: (due: Due) => Promise<unknown>) => {
        isMoreLeft ||= all.length === BATCH;
        await Promise.all(all.map((due) => guarded(context, () => work(due))));
      };
      const reached = await guarded(context, async () => {
        await each(await store.dueStarts(START_GRACE_MS, BATCH), (task) => start(deps, task));
        // The API died before the cancel of a tree had reached every task of it.
        await each(await store.dueTreeCancels(BATCH), (cancel) => cancelBelow(deps, cancel));
        await each(await store.dueCancels(BATCH), (task) => sendCancel(deps, task.id));
        await each(await store.dueParentNews(PARENT_GRACE_MS, BATCH), (task) =>
          tellParentAgain(deps, task),
        );
        await each(await store.dueChecks(CHECK_EVERY_MS, BATCH), (task) =>
          endFromOutside(deps, task),
        );
      });
      if (reached) reachedAt = Date.now();
      else if (Date.now() - reachedAt >= STORE_PATIENCE_MS) throw handOver('the store is away');
      if (Date.now() >= end + (isMoreLeft ? OVERTIME_MS : 0)) return;
      await pause(context, deps.stopping);
    }
  };
}

async function start(deps: SweepDeps, task: TaskRecord): Promise<void> {
  // A run that has closed without ever beginning its task: terminated in its first moments.
  if (!(await startRun(deps, task))) await endFromOutside(deps, task);
}

/**
 * One task's trouble must not hold up the others: what is unreachable waits, a bug is logged and waits too. False: something could not be
 * reached.
 */
async function guarded(context: Context, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
  } catch (error) {
    if (isUnreachable(error)) return false;
    context.log.error('reconciling failed', { error });
  }
  return true;
}

async function pause(context: Context, stopping: AbortSignal): Promise<void> {
  const { cancellationSignal } = context;
  const signal = AbortSignal.any([cancellationSignal, stopping]);
  await sleep(ROUND_MS, undefined, { signal }).catch(() => undefined);
  // Read after the wait: it is then that the details say why.
  if (stopping.aborted || context.cancellationDetails?.workerShutdown)
    throw handOver('the worker is shutting down');
  cancellationSignal.throwIfAborted();
}

/** Leaves the shift to whichever worker takes its next attempt. It is no trouble, and not worth a warning. */
function handOver(message: string): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: ATTEMPT_FAILURES.workerShutdown,
    category: ApplicationFailureCategory.BENIGN,
  });
}
