import type { Context } from '@temporalio/activity';
import { RUN_WORKFLOWS, startOptions } from '../contract/start-options.ts';
import type { TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { callTemporal } from './call-temporal.ts';

export interface StartRunDeps {
  store: Store;
  taskQueue: string;
}

/**
 * Starts the task's workflow, or joins it where it is open. Throws `WorkflowExecutionAlreadyStartedError` where it has
 * closed, and where Temporal cannot be reached.
 */
export async function startRun(
  { store, taskQueue }: StartRunDeps,
  { client }: Context,
  task: TaskRecord,
): Promise<void> {
  await callTemporal(client, () =>
    client.workflow.start(RUN_WORKFLOWS[task.type], startOptions(task, taskQueue)),
  );
  await store.markStarted(task.id);
}

/** Starts the task that has its turn by another's end. What fails is the reconciler's to repeat. */
export async function startNext(
  deps: StartRunDeps,
  context: Context,
  next: TaskRecord | null,
): Promise<void> {
  if (next) await startRun(deps, context, next).catch(() => undefined);
}
