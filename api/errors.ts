import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorBody } from '../contract/wire.ts';
import { StoreUnavailable } from '../store/errors.ts';
import { StoreRefusal } from '../store/refusal.ts';
import { BadPageCursor } from '../store/store.ts';

/** The one table from error code to HTTP status. */
const STATUS_OF = {
  invalid_request: 400,
  cursor_invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  task_not_found: 404,
  conversation_not_found: 404,
  agent_not_found: 404,
  approval_not_found: 404,
  route_not_found: 404,
  method_not_allowed: 405,
  conversation_busy: 409,
  task_exists: 409,
  task_not_terminal: 409,
  cursor_ahead: 409,
  cursor_foreign: 409,
  task_terminated: 409,
  tree_cancelled: 409,
  no_inbox: 409,
  name_taken: 409,
  approval_resolved: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  reserved_name: 422,
  tree_too_deep: 422,
  tree_budget_exceeded: 422,
  rate_limited: 429,
  too_many_running_tasks: 429,
  too_many_streams: 429,
  internal: 500,
  store_unavailable: 503,
  no_worker: 503,
  shutting_down: 503,
} as const satisfies Record<string, ContentfulStatusCode>;

export type ErrorCode = keyof typeof STATUS_OF;
export const ERROR_CODES = Object.keys(STATUS_OF) as [ErrorCode, ...ErrorCode[]];

/** Seconds after which a 429 or 503 is worth another try. */
const RETRY_AFTER_SECONDS = '1';

type Details = ErrorBody['error']['details'];

/** A caller's error: its text is meant for the caller. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: ErrorCode;
  readonly details: Details;
  constructor(code: ErrorCode, message: string, details?: Details) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Absent, malformed and foreign tasks are told apart by nobody: one body for all three. */
export function taskNotFound(): ApiError {
  return new ApiError('task_not_found', 'There is no such task.');
}

/** As `taskNotFound`. */
export function conversationNotFound(): ApiError {
  return new ApiError('conversation_not_found', 'There is no such conversation.');
}

/** A 400 that names the one field at fault. */
export function invalidRequest(path: string, message: string): ApiError {
  return new ApiError('invalid_request', 'The request is not valid.', [{ path, message }]);
}

/** What an exception means to the caller, or null: it is a bug, and its text is not for the caller. */
export function toApiError(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreUnavailable) {
    return new ApiError('store_unavailable', 'The database cannot be reached; try again.');
  }
  if (error instanceof StoreRefusal && error.code === 'task_not_found') return taskNotFound();
  if (error instanceof StoreRefusal) return new ApiError(error.code, error.message);
  if (error instanceof BadPageCursor) {
    return invalidRequest('cursor', 'is not a next_cursor of this list');
  }
  if (error instanceof HTTPException) return fromHttpException(error);
  return null;
}

/** What the framework itself refuses: JSON that does not parse, and other media types. */
function fromHttpException({ status, message }: HTTPException): ApiError | null {
  if (status === 400) return invalidRequest('', message);
  if (status === 413) return new ApiError('payload_too_large', 'The body is too large.');
  if (status === 415) {
    return new ApiError('unsupported_media_type', 'The body must be application/json.');
  }
  return null;
}

/** The error's response: body, status, `Retry-After` where trying again makes sense, and the way in where there is one. */
export function errorResponse(c: Context, error: ApiError): Response {
  const status = STATUS_OF[error.code];
  if (status === 401) c.header('WWW-Authenticate', 'Bearer');
  if (status === 429 || status === 503) c.header('Retry-After', RETRY_AFTER_SECONDS);
  const body: ErrorBody = {
    error: {
      code: error.code,
      message: error.message,
      request_id: c.get('requestId'),
      ...(error.details && { details: error.details }),
    },
  };
  return c.json(body, status);
}
