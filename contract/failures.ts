/** Why a task failed, as `failure.code` says it to callers. */
export const FAILURE_CODES = [
  'cancelled',
  'timed_out',
  'model_error',
  'tool_error',
  'max_steps_exceeded',
  'budget_exceeded',
  'terminated',
  'orphaned',
  'store_error',
  'internal',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

export interface Failure {
  code: FailureCode;
  message: string;
}

/** `error` texts in records and events are cut here, in bytes of UTF-8. */
export const MAX_ERROR_BYTES = 2048;

/** Types of the `ApplicationFailure`s by which `callModel` tells the workflow how an attempt ended. */
export const ATTEMPT_FAILURES = {
  /** The provider refused, broke off or stalled. Counts against the limit of attempts. */
  provider: 'provider_failure',
  /** The worker was told to stop: the step is attempted elsewhere, and nothing is counted. */
  workerShutdown: 'worker_shutdown',
  /** Cancelled after a pause or a reset, when a `CancelledFailure` would not arrive as one. */
  cancelled: 'cancelled',
} as const;

/** Message of a cancel: contains the word "cancelled" and the given reason. */
export function cancelMessage(reason: string | null): string {
  return reason ? `The task was cancelled: ${reason}` : 'The task was cancelled.';
}
