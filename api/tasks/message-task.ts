import { createHash, randomUUID } from 'node:crypto';
import type { LogPlace, RunMessage } from '../../contract/run-messages.ts';
import type { TaskRecord } from '../../contract/task.ts';
import type { IdempotencyKey } from '../../store/new-task.ts';
import { ApiError } from '../errors.ts';
import type { TasksDeps } from './dependencies.ts';
import { reachRun } from './reach-run.ts';

/**
 * Writes to a task's run, and gives the message's place in its log. A message that is sent again under its idempotency key
 * is the same one. Throws `ApiError` `no_inbox` where the task is no agent run, else as `reachRun`.
 */
export async function messageTask(
  deps: TasksDeps,
  task: TaskRecord,
  { key, requestHash, ...message }: Pick<RunMessage, 'text' | 'from'> & Partial<IdempotencyKey>,
): Promise<LogPlace> {
  assertHasInbox(task);
  const repeatable = key !== undefined && requestHash !== undefined ? { key, requestHash } : {};
  const updateId = key === undefined ? randomUUID() : updateIdOf(key, requestHash);
  const send = () => deps.runs.message(task.id, { ...message, ...repeatable }, updateId);
  return reachRun(deps, task, { send, repeats: key !== undefined });
}

/** Throws `ApiError` `no_inbox` where the task is no agent run. */
export function assertHasInbox({ type }: TaskRecord): void {
  if (type === 'agent_run') return;
  throw new ApiError('no_inbox', 'The task is no agent run: nobody would read the message.');
}

/** Another request under the same key must reach the run, which refuses it. */
function updateIdOf(key: string, requestHash = ''): string {
  return createHash('sha256').update(`${key}\n${requestHash}`).digest('hex');
}
