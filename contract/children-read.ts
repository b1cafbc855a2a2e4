import { isChildEnd, type LogEvent } from './events.ts';

/**
 * The children whose end a run has read, by its whole log. A step reads what stands ahead of its beginning. The call of a
 * `tool_run`, which has no steps, reads the end that it has waited for, where the task ended as its call did.
 */
export function childrenRead(log: readonly LogEvent[]): string[] {
  const lastStep = log.findLastIndex(({ type }) => type === 'turn.started');
  if (lastStep >= 0) return endsIn(log.slice(0, lastStep));
  if (!endedByCall(log.at(-1))) return [];
  const result = log.findIndex(({ type }) => type === 'turn.tool_result');
  const awaited = awaitedChildren(log);
  return endsIn(log.slice(0, Math.max(result, 0))).filter((id) => awaited.has(id));
}

/** The children whose result is that of the call which has started them. */
export function awaitedChildren(log: readonly LogEvent[]): Set<string> {
  return new Set(
    log.flatMap((event) =>
      event.type === 'child.started' && !event.data.background ? [event.data.task_id] : [],
    ),
  );
}

function endsIn(log: readonly LogEvent[]): string[] {
  return log.filter(isChildEnd).map(({ data }) => data.task_id);
}

function endedByCall(end: LogEvent | undefined): boolean {
  if (end?.type === 'task.failed') return end.data.failure.code === 'tool_error';
  return end?.type === 'task.completed';
}
