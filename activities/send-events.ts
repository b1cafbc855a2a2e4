import type { Context } from '@temporalio/activity';
import type { CallPlace } from '../contract/names.ts';
import { EMIT_SIGNAL, type EmittedEvents } from '../contract/run-messages.ts';
import type { RunClient } from '../runs/run-client.ts';
import type { SendEvents } from './emitter.ts';
import { patiently } from './patiently.ts';

/** A batch that Temporal has not taken for so long is given up, and the call with it. */
const GIVE_UP_MS = 30_000;

/**
 * Signals events to the activity's own workflow run, until Temporal has them. A run that has closed takes nothing any more,
 * and nobody misses it.
 */
export function sendEvents(
  runs: RunClient,
  { client, info }: Context,
  { step, callId }: CallPlace,
): SendEvents {
  const { workflowId: taskId = '', runId } = info.workflowExecution ?? {};
  return async (batch) => {
    const events: EmittedEvents = { step, callId, ...batch };
    // After a cancel too: the activity's own signal would cut the call short.
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const ask = () =>
      client.withAbortSignal(signal, () => runs.signal({ taskId, runId }, EMIT_SIGNAL, events));
    await patiently(ask, signal);
  };
}
