import type { Child } from '../contract/children.ts';
import type { ChildEndEntry, LogEvent } from '../contract/events.ts';
import { messageText } from '../contract/message-text.ts';

/**
 * What came to a run from outside its steps, as its next step reads it, or null: another entry. The end of a child that a call
 * has waited for stands in that call's result.
 */
export function newsOf(event: LogEvent, awaited: ReadonlySet<string>): string | null {
  switch (event.type) {
    case 'task.message':
      return messageText(event.data);
    case 'child.custom':
      return `Event "${event.data.event_type}" of ${named(event.data)}:\n${JSON.stringify(event.data.payload)}`;
    case 'child.completed':
    case 'child.failed':
    case 'child.cancelled':
      return awaited.has(event.data.task_id) ? null : endText(event);
    default:
      return null;
  }
}

function endText(event: ChildEndEntry): string {
  const cut = event.data.truncated ? ' (cut, because it is long)' : '';
  if (event.type === 'child.completed') {
    const { output } = event.data;
    const text = 'text' in output ? output.text : JSON.stringify(output.value);
    return `The ${named(event.data)} has completed. Its result${cut}:\n${text}`;
  }
  const { failure, partial_output } = event.data;
  const verb = event.type === 'child.failed' ? 'has failed' : 'was cancelled';
  const left = partial_output === null ? '' : `\nWhat it had said so far${cut}:\n${partial_output}`;
  return `The ${named(event.data)} ${verb}: ${failure.message}${left}`;
}

function named({ task_id, name }: Child): string {
  return name === null ? `task ${task_id}` : `task ${task_id} ("${name}")`;
}
