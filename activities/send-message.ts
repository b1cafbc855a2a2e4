import type { RunMessage } from '../contract/run-messages.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { RunUpdates } from '../runs/run-updates.ts';

/**
 * Writes to another task's run, and gives the message's place in its log. The same key again is the same message. Throws an
 * `Error` that says why it was not taken.
 */
export async function sendMessage(
  runs: RunUpdates,
  { id: task_id, type, status }: TaskRecord,
  { key, ...message }: Pick<RunMessage, 'text' | 'from'> & { key: string },
): Promise<{ task_id: string; seq: number }> {
  if (isTerminal(status)) throw new Error(`${task_id} has ended (${status}): it reads no message.`);
  if (type !== 'agent_run') throw new Error(`${task_id} is no agent: it reads no message.`);
  const updated = await runs.message(task_id, { ...message, key, requestHash: key }, key);
  if (updated.kind === 'taken') return { task_id, seq: updated.place.seq };
  const reason = updated.kind === 'refused' ? updated.message : REASONS[updated.kind];
  throw new Error(`${task_id} did not take the message: ${reason}`);
}

const REASONS = {
  absent: 'its run has not begun, or has just ended.',
  unanswered: 'it has not answered in time; it may still read it.',
};
