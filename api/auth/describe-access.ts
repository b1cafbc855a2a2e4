import { scopeOf } from './scope-of.ts';

interface Description {
  paths?: Record<string, object>;
  components?: object;
}

const SCHEMES = {
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key. While the service has none, it serves its own machine only, and asks for none.',
  },
  streamToken: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description: 'Reads the feed of one task: see `POST /v1/tasks/{id}/stream-token`.',
  },
};
const TAKES_STREAM_TOKEN = 'get /v1/tasks/{id}/events';

/** The API's description with what each operation needs a key for, from where requests are judged too. */
export function describeAccess<T extends Description>(description: T) {
  const paths = Object.entries(description.paths ?? {}).map(([path, item]) => {
    const operations = Object.entries(item as Record<string, object>).map(([method, operation]) => [
      method,
      { ...operation, security: securityOf(method, path) },
    ]);
    return [path, Object.fromEntries(operations)];
  });
  return {
    ...description,
    paths: Object.fromEntries(paths) as Record<string, object>,
    components: { ...description.components, securitySchemes: SCHEMES },
  };
}

function securityOf(method: string, path: string): Record<string, string[]>[] {
  const scope = scopeOf(method.toUpperCase(), path);
  if (scope === 'open') return [];
  const byKey = { apiKey: [scope] };
  return `${method} ${path}` === TAKES_STREAM_TOKEN ? [byKey, { streamToken: [] }] : [byKey];
}
