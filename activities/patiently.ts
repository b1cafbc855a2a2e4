import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { StoreUnavailable } from '../store/errors.ts';
import { untilAborted } from './until-aborted.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** Whether the store or Temporal could not be reached: nothing is known, and asking again may help. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof StoreUnavailable || error instanceof ServiceError || isGrpcServiceError(error)
  );
}

/** Asks until the store and Temporal answer, or the signal stops it. Any other error is thrown on. */
export async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    signal.throwIfAborted();
    try {
      return await untilAborted(ask(), signal);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
