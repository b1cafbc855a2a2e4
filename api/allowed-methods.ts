import type { RouterRoute } from 'hono/types';
import { TrieRouter } from 'hono/router/trie-router';

/** The methods that some route has for the path, sorted; none: there is no such route. Middleware is no route. */
export function allowedMethods(routes: readonly RouterRoute[], path: string): string[] {
  const handlers = routes.filter(({ method }) => method !== 'ALL');
  const methods = [...new Set(handlers.map(({ method }) => method))].filter((method) => {
    const router = new TrieRouter<true>();
    for (const route of handlers) if (route.method === method) router.add(method, route.path, true);
    return router.match(method, path)[0].length > 0;
  });
  if (methods.includes('GET')) methods.push('HEAD');
  return methods.sort();
}
