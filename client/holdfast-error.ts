import type { ErrorBody } from '../contract/wire.ts';

/** What the service answered instead of what was asked for. */
export class HoldfastError extends Error {
  override name = 'HoldfastError';
  /** As the service names it (`task_not_found`, `cursor_ahead`, …); `unreadable_response` where it said nothing readable. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  readonly details: ErrorBody['error']['details'];
  /** What `Retry-After` asked for, in milliseconds, or null. */
  readonly retryAfterMs: number | null;

  constructor(response: Response, error: Partial<ErrorBody['error']>) {
    super(error.message ?? `The service answered with status ${response.status}.`);
    this.code = error.code ?? 'unreadable_response';
    this.status = response.status;
    this.details = error.details;
    const seconds = Number(response.headers.get('retry-after') ?? NaN);
    this.retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  }

  /** Whether the same request may succeed later: 408, 429 and 5xx. */
  get passing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Reads an error response. A body that is not the service's own, such as a proxy's page, is left aside. */
export async function readError(response: Response): Promise<HoldfastError> {
  const text = await response.text();
  return new HoldfastError(response, errorIn(text));
}

function errorIn(text: string): Partial<ErrorBody['error']> {
  try {
    return (JSON.parse(text) as Partial<ErrorBody>).error ?? {};
  } catch {
    return {};
  }
}
