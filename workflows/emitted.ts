import { callKey } from '../contract/names.ts';
import type { EmittedEvents } from '../contract/run-messages.ts';
import { append, type RunState } from './run-state.ts';

/**
 * Logs what a tool call has emitted, and reports it to the parent's run, each event once: an attempt that is repeated counts from 1 again. What comes from a
 * call that is over, by an attempt that was given up, is no part of the log.
 */
export function takeEmitted(run: RunState, { step, callId, from, events }: EmittedEvents): void {
  const publisher = callKey({ taskId: run.taskId, step, callId });
  const known = run.emitted.get(publisher);
  if (known === undefined || run.sealed) return;
  const fresh = events.slice(Math.max(known + 1 - from, 0));
  for (const event of fresh) append(run, 'task.custom', { ...event, publisher });
  run.emitted.set(publisher, known + fresh.length);
  if (fresh.length > 0) run.reporter?.report(fresh);
}
