import {
  Connection,
  isRetryableError,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';

const MOST_ATTEMPTS = 10;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;
const FIRST_RECONNECT_MS = 100;
const LONGEST_RECONNECT_MS = 1_000;
const PROBE_MS = 5_000;

/**
 * A connection of the API to Temporal, opened at its first use. The server buffers one query per run while a workflow
 * task is in flight, and refuses the others as RESOURCE_EXHAUSTED. The client's own answer to that is to wait for 1.7 s
 * and more, past the call's deadline; but the place is free again within milliseconds. After an outage gRPC would wait up
 * to two minutes before it connects again, and every call until then would fail.
 */
export function openTemporalConnection(options: ConnectionOptions): Connection {
  const retry = makeGrpcRetryInterceptor({
    delayFunction(attempt) {
      const waitMs = Math.min(FIRST_WAIT_MS * 1.7 ** attempt, LONGEST_WAIT_MS);
      return waitMs * (0.8 + Math.random() * 0.4);
    },
    retryableDecider: (attempt, status) => attempt < MOST_ATTEMPTS && isRetryableError(status),
  });
  const channelArgs = {
    'grpc.initial_reconnect_backoff_ms': FIRST_RECONNECT_MS,
    'grpc.max_reconnect_backoff_ms': LONGEST_RECONNECT_MS,
  };
  return Connection.lazy({ ...options, channelArgs, interceptors: [retry] });
}

/** Asks Temporal once. Throws why it cannot be used, such as its certificate or our key: retries end in a deadline and hide that. */
export async function probeTemporal(options: ConnectionOptions): Promise<void> {
  const connection = Connection.lazy({ ...options, interceptors: [] });
  try {
    await connection.withDeadline(Date.now() + PROBE_MS, () =>
      connection.workflowService.getSystemInfo({}),
    );
  } finally {
    await connection.close();
  }
}
