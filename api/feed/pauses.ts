/** How often a hub asks for the truth at most, and at least, in milliseconds. */
export const RECONCILE_MS = 1_000;
const IDLE_RECONCILE_MS = 5_000;
/** After a question that nobody answered. */
const RETRY_MS = 300;

/** Milliseconds until the truth is asked for again: the longer nothing has moved, the more. */
export function reconcileMs(idleMs: number): number {
  return Math.min(Math.max(idleMs / 2, RECONCILE_MS), IDLE_RECONCILE_MS);
}

/** Milliseconds until a question is asked again that nobody has answered so many times. */
export function retryMs(unanswered: number): number {
  return Math.min(RETRY_MS * 2 ** (unanswered - 1), IDLE_RECONCILE_MS);
}
