import type { LogEvent } from '../../contract/events.ts';
import type { Parent } from '../../contract/task.ts';
import { publicId } from '../../contract/task-id.ts';
import { parentView } from '../task-view.ts';

/** A log entry as callers see it: the tasks that it names go by their public ids. */
export function wireEntry(entry: LogEvent): LogEvent {
  const { task_id, parent } = entry.data as { task_id?: string; parent?: Parent };
  const data = {
    ...entry.data,
    ...(task_id !== undefined && { task_id: publicId(task_id) }),
    ...(parent && { parent: parentView(parent) }),
  };
  return { ...entry, task_id: publicId(entry.task_id), data } as LogEvent;
}
