import type { Client } from '@temporalio/client';

/** In milliseconds: without a deadline a call would wait for as long as Temporal cannot be reached. */
const DEADLINE_MS = 3_000;

/** Calls Temporal within a deadline. */
export function callTemporal<T>(client: Client, call: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + DEADLINE_MS, call);
}
