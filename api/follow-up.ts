import { messageText } from '../contract/message-text.ts';
import type { TaskRecord } from '../contract/task.ts';
import { invalidRequest } from './errors.ts';
import type { StartTask } from './schemas.ts';
import { assertHasInbox } from './tasks/message-task.ts';

/**
 * The start that a message for after the run of a task asks for: behind all that has its turn or waits for it in their
 * conversation, as that task was started, but for its name and description, and below the same parent. Throws `ApiError`
 * `no_inbox`, and `invalid_request` where the task takes no turn, so that nothing can follow it.
 */
export function followUp(
  task: TaskRecord,
  message: { text: string; from: string | null },
): StartTask {
  assertHasInbox(task);
  if (task.conversation_id === null || task.detached) throw takesNoTurn(task);
  const { agent, model, instructions, conversation_id, parent, metadata, limits } = task;
  return {
    input: messageText(message),
    agent,
    model: model ?? undefined,
    instructions: instructions ?? undefined,
    conversation_id,
    // Its run and call did not ask for this one.
    parent: parent ? { task_id: parent.task_id } : undefined,
    metadata,
    on_busy: 'enqueue',
    timeout_seconds: limits.timeout_seconds ?? undefined,
    max_steps: limits.max_steps ?? undefined,
  };
}

function takesNoTurn({ conversation_id, id }: TaskRecord) {
  const why =
    conversation_id === null
      ? 'the task has no conversation'
      : 'the task is detached, and takes no turn in its conversation';
  const instead = `start a task with "continue_from": { "task_id": "${id}", … } once it has ended`;
  return invalidRequest('mode', `after_run follows a task in its conversation: ${why}; ${instead}`);
}
