import type { LogEvent } from './events.ts';

/** The children whose end a step of the log has read: it stands there ahead of the step's beginning. */
export function childrenRead(log: readonly LogEvent[]): string[] {
  const lastStep = log.findLastIndex((event) => event.type === 'turn.started');
  return log.slice(0, Math.max(lastStep, 0)).flatMap((event) => {
    const isEnd =
      event.type === 'child.completed' ||
      event.type === 'child.failed' ||
      event.type === 'child.cancelled';
    return isEnd ? [event.data.task_id] : [];
  });
}
