import type { Scope } from '../../contract/scopes.ts';

/** What everybody may read: it says nothing of any task. */
const OPEN = ['/', '/healthz', '/readyz', '/openapi.json', '/docs'];
const OPEN_BELOW = '/docs/';
/** It tells of the tasks of all owners, if only how many. */
const METRICS = '/metrics';
/** Posting that changes nothing. */
const READING_BY_POST = /^\/v1\/tasks\/[^/]+\/stream-token$/;

/**
 * What a request needs a key for. It follows from method and path, so that a route that nobody has thought of here is not
 * open: it takes a key, and one that may write unless it only reads.
 */
export function scopeOf(method: string, path: string): Scope | 'open' {
  if (path === METRICS) return 'admin';
  if (OPEN.includes(path) || path.startsWith(OPEN_BELOW)) return 'open';
  if (method === 'GET' || method === 'HEAD' || READING_BY_POST.test(path)) return 'tasks:read';
  return 'tasks:write';
}
