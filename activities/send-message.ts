import type { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { MESSAGE_UPDATE, type LogPlace, type RunMessage } from '../contract/run-messages.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';

/** Deadline of a message, in milliseconds: a run whose worker was killed is taken over within that time. */
const ANSWER_MS = 8_000;

/**
 * Writes to another task's run, and gives the message's place in its log. The same key again is the same message. Throws an
 * `Error` that says why it was not taken.
 */
export async function sendMessage(
  { client }: Context,
  { id: task_id, type, status }: TaskRecord,
  { key, ...message }: Pick<RunMessage, 'text' | 'from'> & { key: string },
): Promise<{ task_id: string; seq: number }> {
  if (isTerminal(status)) throw new Error(`${task_id} has ended (${status}): it reads no message.`);
  if (type !== 'agent_run') throw new Error(`${task_id} is no agent: it reads no message.`);
  const handle = client.workflow.getHandle(task_id);
  const update = { updateId: key, args: [{ ...message, key, requestHash: key }] as [RunMessage] };
  try {
    const { seq } = await client.withDeadline(Date.now() + ANSWER_MS, () =>
      handle.executeUpdate<LogPlace, [RunMessage]>(MESSAGE_UPDATE, update),
    );
    return { task_id, seq };
  } catch (error) {
    throw new Error(`${task_id} did not take the message: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof WorkflowNotFoundError) return 'its run has not begun, or has just ended.';
  if (error instanceof WorkflowUpdateFailedError && error.cause) return error.cause.message;
  return 'it has not answered in time; it may still read it.';
}
