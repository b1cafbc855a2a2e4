import type { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { CallPlace } from '../contract/names.ts';
import { EMIT_SIGNAL, type EmittedEvents } from '../contract/run-messages.ts';
import { callTemporal } from './call-temporal.ts';
import type { SendEvents } from './emitter.ts';
import { patiently } from './patiently.ts';

/** A batch that Temporal has not taken for so long is given up, and the call with it. */
const GIVE_UP_MS = 30_000;

/**
 * Signals events to the activity's own workflow run, until Temporal has them. A run that has closed takes nothing any more,
 * and nobody misses it.
 */
export function sendEvents({ client, info }: Context, { step, callId }: CallPlace): SendEvents {
  return async (batch) => {
    const { workflowId = '', runId } = info.workflowExecution ?? {};
    const handle = client.workflow.getHandle(workflowId, runId);
    const events: EmittedEvents = { step, callId, ...batch };
    // After a cancel too: the activity's own signal would cut the call short.
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const ask = () =>
      client.withAbortSignal(signal, () =>
        callTemporal(client, () => handle.signal(EMIT_SIGNAL, events)),
      );
    await patiently(ask, signal).catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  };
}
