import { DrizzleQueryError } from 'drizzle-orm';

/** The database cannot be reached, or gave up in the middle. What was asked may be tried again. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}

/** The task to end is not in the store: it was forgotten, or never accepted. Trying again does not help. */
export class TaskAbsent extends Error {
  override name = 'TaskAbsent';
}

/** Another living process has opened the folder of the embedded database. */
export class StoreInUse extends Error {
  override name = 'StoreInUse';
}

/** What PostgreSQL and the system call a connection that is lost, refused, or given up by the server. */
const LOST_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOENT'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  // admin_shutdown, crash_shutdown, cannot_connect_now, query_canceled (time-out),
  // idle_in_transaction_session_timeout, read_only_sql_transaction (a former primary)
  ...['57P01', '57P02', '57P03', '57014', '25P03', '25006'],
]);
/**
 * Connection exceptions and insufficient resources (disk full, out of memory, too many connections):
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const LOST_CLASSES = /^(08|53)[0-9A-Z]{3}$/;

/** node-postgres and PGlite give these no code. */
const LOST_MESSAGE = new RegExp(
  '^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout' +
    '|Client (has encountered a connection error|was closed)|Cannot use a pool after' +
    '|PGlite is clos)',
);

/**
 * The result of work on a driver. A lost database rejects with `StoreUnavailable`, anything else with the driver's own
 * error, without the parameters that Drizzle and PGlite add to it: those are users' texts, and errors get logged.
 */
export async function orStoreError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storeError(error);
  }
}

function storeError(error: unknown): unknown {
  if (error instanceof DrizzleQueryError) return storeError(error.cause);
  if (!(error instanceof Error)) return error;
  if (isLost(error)) {
    const message = `The database is not available: ${error.message || codeOf(error)}`;
    return new StoreUnavailable(message, { cause: error });
  }
  if ('params' in error) delete error.params;
  return error;
}

/** Whether the driver's error means that the connection or the database is lost. */
export function isLost(error: unknown): boolean {
  if (error instanceof DrizzleQueryError) return isLost(error.cause);
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return LOST_CODES.has(code) || LOST_CLASSES.test(code) || LOST_MESSAGE.test(error.message);
}

function codeOf(error: Error): string {
  return String((error as { code?: unknown }).code ?? '');
}
