import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError,
  LoadAPIKeyError,
  LoadSettingError,
  NoSuchModelError,
  UnsupportedFunctionalityError,
  getErrorMessage,
} from '@ai-sdk/provider';
import { errorText } from '../../contract/error-text.ts';
import { ModelFailure } from './model.ts';

/** A client's mistakes, as the `type` of an error that arrives inside a stream; the names are OpenAI's and Anthropic's. */
const CLIENT_ERRORS = new Set([
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
]);

const SETUP_ERRORS = [
  LoadAPIKeyError,
  LoadSettingError,
  InvalidPromptError,
  InvalidArgumentError,
  NoSuchModelError,
  UnsupportedFunctionalityError,
];

/**
 * What a provider or its SDK threw, or sent as an error inside a stream, as a `ModelFailure`. The message never holds one
 * of `secrets`, and the original error, which carries the whole request, is left behind.
 */
export function toModelFailure(error: unknown, secrets: readonly string[]): ModelFailure {
  if (error instanceof ModelFailure) return error;
  return new ModelFailure(errorText(redact(describe(error), secrets)), {
    retryable: isRetryable(error),
    retryAfterMs: APICallError.isInstance(error) ? retryAfterMs(error.responseHeaders ?? {}) : null,
    refused: isRefusal(error),
  });
}

/** What `Retry-After` (seconds or an HTTP date, RFC 9110) or OpenAI's `retry-after-ms` asks for, in milliseconds. */
export function retryAfterMs(headers: Record<string, string>, now = Date.now()): number | null {
  const exact = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (exact >= 0) return exact;
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  // `Date.parse` makes a date of "-3" too; those of HTTP begin with a weekday.
  const date = /^[A-Z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(date - now, 0);
}

function isRefusal(error: unknown): boolean {
  if (!APICallError.isInstance(error)) return isSetupError(error);
  return error.statusCode === undefined || error.statusCode >= 400;
}

function isSetupError(error: unknown): boolean {
  return SETUP_ERRORS.some((type) => type.isInstance(error));
}

function isRetryable(error: unknown): boolean {
  if (isSetupError(error)) return false;
  if (!APICallError.isInstance(error)) return !CLIENT_ERRORS.has(streamedType(error));
  // Without a status nothing was answered; one below 400 is an answer that broke off.
  const { statusCode: status = 0 } = error;
  return status < 400 || status >= 500 || [408, 409, 425, 429].includes(status);
}

function streamedType(error: unknown): string {
  const { type } = (error ?? {}) as { type?: unknown };
  return typeof type === 'string' ? type : '';
}

function describe(error: unknown): string {
  if (APICallError.isInstance(error) && error.statusCode && error.statusCode >= 400) {
    return `The provider answered ${error.statusCode}: ${error.message}`;
  }
  if (error instanceof Error) {
    const { cause } = error;
    const isNews = cause instanceof Error && !error.message.includes(cause.message);
    return `The provider failed: ${error.message}${isNews ? `: ${cause.message}` : ''}`;
  }
  const { message } = (error ?? {}) as { message?: unknown };
  return `The provider reported: ${typeof message === 'string' ? message : getErrorMessage(error)}`;
}

/** Providers quote the key that they refuse. */
function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
}
