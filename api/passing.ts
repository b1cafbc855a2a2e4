import { toApiError, type ErrorCode } from './errors.ts';
import { sseRefusal } from './sse.ts';

/** What passes by itself. `EventSource` gives up for good on anything but 200, so that a feed says these with a clean end. */
const PASSING: readonly ErrorCode[] = ['store_unavailable', 'shutting_down', 'too_many_streams'];

/** The stream, or one that ends at once where the reason passes by itself. */
export async function orPassing(open: () => Promise<Response>): Promise<Response> {
  try {
    return await open();
  } catch (error) {
    return refusePassing(error);
  }
}

/** The stream that ends at once. Throws the error again where it does not pass by itself. */
export function refusePassing(error: unknown): Response {
  const known = toApiError(error);
  if (known && PASSING.includes(known.code)) return sseRefusal();
  throw error;
}
