import type { LogEvent } from './events.ts';

/**
 * How far a task is that has not completed, from 0 to 1: what its log has told last, by a tool that has emitted `progress` with
 * `done` and `total`, or by the run itself.
 */
export function progressOf(log: readonly LogEvent[]): number {
  for (const event of log.toReversed()) {
    if (event.type === 'task.progress') return event.data.progress;
    if (event.type !== 'task.custom' || event.data.event_type !== 'progress') continue;
    const told = shareOf(event.data.payload);
    if (told !== null) return told;
  }
  return 0;
}

/** Null where the payload does not say it. */
function shareOf(payload: unknown): number | null {
  const { done, total } = (payload ?? {}) as { done?: unknown; total?: unknown };
  if (typeof done !== 'number' || typeof total !== 'number' || total <= 0) return null;
  return Math.min(Math.max(done / total, 0), 1);
}
