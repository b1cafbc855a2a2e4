import { MAX_ERROR_BYTES } from './failures.ts';
import { cleanText, cutBytes } from './text.ts';

/** What must not reach a record or a reader: bearer tokens, provider keys, credentials in URLs. */
const SECRETS: readonly [RegExp, string][] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 [redacted]'],
  [/\b(sk|pk|key|rk)[-_][\w-]{8,}/gi, '[redacted]'],
  [/:\/\/[^\s/@:]+:[^\s/@]+@/g, '://[redacted]@'],
];

/** An error's own text for records and events: redacted, well-formed, at most `MAX_ERROR_BYTES`. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const redacted = SECRETS.reduce((all, [secret, mark]) => all.replace(secret, mark), text);
  return cutBytes(cleanText(redacted), MAX_ERROR_BYTES);
}
