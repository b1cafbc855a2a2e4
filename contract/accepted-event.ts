import type { LogEventOf } from './events.ts';
import type { TaskRecord } from './task.ts';

/** The first log entry of every task. Always built from the row, so that every source gives the same bytes. */
export function acceptedEvent(task: TaskRecord): LogEventOf<'task.accepted'> {
  return {
    type: 'task.accepted',
    task_id: task.id,
    seq: 1,
    at: task.created_at,
    data: {
      type: task.type,
      agent: task.agent,
      name: task.name,
      input: task.input,
      conversation_id: task.conversation_id,
      ...(task.parent && { parent: task.parent }),
      ...(task.epoch > 1 && { epoch: task.epoch }),
    },
  };
}
