import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { FeedRequest } from './ports.ts';

/** The caller's connection: when it is gone, and how to cut it. */
export function connectionOf(c: Context): Pick<FeedRequest, 'signal' | 'drop'> {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
  return { signal: c.req.raw.signal, drop: outgoing && (() => outgoing.destroy()) };
}
