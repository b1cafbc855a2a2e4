import type { RequestListener } from 'node:http';
import type { TaskTools } from '../../../agents/task-tools.ts';
import { createHttpGet } from '../../../agents/tools/http-get.ts';
import type { Address, SafeFetchOptions } from '../../../agents/tools/safe-fetch.ts';
import { startPlainServer } from '../../support/plain-server.ts';

/** Stands for the public Internet, so that tests need none. */
export const OUTSIDE: Address = { address: '127.0.0.2', family: 4 };
/** Stands for what only the worker can reach. */
export const INSIDE: Address = { address: '127.0.0.3', family: 4 };

export const context = {
  taskId: 'task_1',
  key: 'task_1:1:c',
  signal: new AbortController().signal,
  emit: () => undefined,
  tasks: new Proxy({} as TaskTools, {
    get: () => {
      throw new Error('this tool starts no tasks');
    },
  }),
};

/** `http_get` where only `OUTSIDE` counts as public, and every name leads there. */
export function get(url: string, options: SafeFetchOptions = {}, signal = context.signal) {
  const tool = createHttpGet({
    allows: (address) => address === OUTSIDE.address,
    resolve: async () => [OUTSIDE],
    ...options,
  });
  return tool.run({ url }, { ...context, signal });
}

export function serveOutside(handler: RequestListener, port?: number) {
  return startPlainServer(handler, { host: OUTSIDE.address, ...(port !== undefined && { port }) });
}

export function serveInside(handler: RequestListener) {
  return startPlainServer(handler, { host: INSIDE.address });
}
