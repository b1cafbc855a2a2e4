import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { ATTEMPT_FAILURES } from '../contract/failures.ts';
import { isPartial, type Partial } from '../contract/frames.ts';

/** How a model attempt ended that gave no turn. The one place where Temporal's exceptions become ours. */
export type AttemptFailure =
  | { kind: 'cancelled'; partial: Partial | null }
  /** The worker went away: nothing is counted, the step is attempted elsewhere. */
  | { kind: 'worker_lost'; partial: Partial | null; reason: string }
  | {
      kind: 'provider';
      partial: Partial | null;
      reason: string;
      retryable: boolean;
      retryAfterMs: number | null;
    }
  /** A bug, or a limit of Temporal's: the run fails with `internal`. */
  | { kind: 'internal'; partial: Partial | null; reason: string };

/** What `callModel` puts behind the partial in the details of a provider failure. */
export interface ProviderFailureDetails {
  retryable: boolean;
  retryAfterMs: number | null;
}

/**
 * Reads what ended an attempt. Where the partial stands depends on how it ended: in the details of the failure that
 * the activity threw, or, where its worker fell silent, in the last heartbeat. A cancel before the attempt
 * was picked up carries no partial but a string.
 */
export function attemptFailure(error: unknown): AttemptFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    return {
      kind: 'worker_lost',
      partial: asPartial(cause.lastHeartbeatDetails),
      reason: 'worker_lost',
    };
  }
  if (cause instanceof ApplicationFailure) return applicationFailure(cause);
  if (isCancellation(error)) {
    const details = cause instanceof CancelledFailure ? cause.details[0] : undefined;
    return { kind: 'cancelled', partial: asPartial(details) };
  }
  throw error;
}

function applicationFailure(failure: ApplicationFailure): AttemptFailure {
  const partial = asPartial(failure.details?.[0]);
  if (failure.type === ATTEMPT_FAILURES.workerShutdown) {
    return { kind: 'worker_lost', partial, reason: 'worker_shutdown' };
  }
  if (failure.type === ATTEMPT_FAILURES.cancelled) return { kind: 'cancelled', partial };
  if (failure.type === ATTEMPT_FAILURES.provider) {
    const { retryable, retryAfterMs } = failure.details?.[1] as ProviderFailureDetails;
    return { kind: 'provider', partial, reason: failure.message, retryable, retryAfterMs };
  }
  return { kind: 'internal', partial, reason: failure.message };
}

function asPartial(details: unknown): Partial | null {
  return isPartial(details) ? details : null;
}

/** What a tool call that gave no result says to the model. The run goes on. */
export function toolFailure(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    return 'The worker that ran this tool was lost. It is not known whether the tool had its effect.';
  }
  if (cause instanceof ApplicationFailure) return cause.message;
  if (isCancellation(error)) return 'The tool call was cancelled.';
  throw error;
}
