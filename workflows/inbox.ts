import type { RunMessage, RunRefusal } from '../contract/run-messages.ts';
import { append, type Arrival, type RunState } from './run-state.ts';

/** Most messages that wait for the next step, and UTF-16 units of them: it must take them all into one prompt. */
const MAX_UNREAD = 1_000;
const MAX_UNREAD_LENGTH = 1024 * 1024;
/** A message that is sent again under its key is known among the last so many. */
const MAX_RECEIVED = 100;

export const ENDED: RunRefusal = {
  code: 'task_terminated',
  message: 'The task has ended; it takes nothing any more.',
};

/** Why the run does not take the message, or null. What was taken before is taken again, and changes nothing. */
export function messageRefusal(run: RunState, message: RunMessage): RunRefusal | null {
  const known = knownUnder(run, message);
  if (known && known.requestHash !== message.requestHash) {
    const text = 'The idempotency key was used for another message.';
    return { code: 'idempotency_key_reused', message: text };
  }
  if (known) return null;
  if (!run.inbox.open) return ENDED;
  const { unread } = run;
  const length = unread.reduce((sum, one) => sum + one, message.text.length);
  if (unread.length < MAX_UNREAD && length <= MAX_UNREAD_LENGTH) return null;
  const text = 'Too many messages wait for the next step of the task; send this one later.';
  return { code: 'rate_limited', message: text };
}

/** Takes a message: into the log at once, or when the run begins. */
export function takeMessage(run: RunState, message: RunMessage): Arrival {
  const arrival: Arrival = { message, seq: null };
  run.inbox.arrivals.push(arrival);
  if (run.begun) logArrivals(run);
  return arrival;
}

/** Logs what has arrived, in order. The next step reads it. */
export function logArrivals(run: RunState): void {
  for (const arrival of run.inbox.arrivals.splice(0)) {
    arrival.seq = knownUnder(run, arrival.message)?.seq ?? logMessage(run, arrival.message);
  }
}

/** Null where the run takes nothing any more. */
function logMessage(run: RunState, { text, from, key, requestHash }: RunMessage): number | null {
  if (!run.inbox.open) return null;
  append(run, 'task.message', { from, text });
  run.unread = [...run.unread, text.length];
  const seq = run.lastSeq;
  if (key !== undefined && requestHash !== undefined)
    run.received = [...run.received, { key, requestHash, seq }].slice(-MAX_RECEIVED);
  return seq;
}

function knownUnder({ received }: RunState, { key }: RunMessage) {
  return key === undefined ? undefined : received.find((one) => one.key === key);
}
