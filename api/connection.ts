import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { ApiEnv } from './dependencies.ts';
import type { FeedRequest } from './ports.ts';

/** The caller's connection: when it is gone, how to cut it, and whether it may be read on. */
export function connectionOf(c: Context<ApiEnv>): Pick<FeedRequest, 'signal' | 'drop' | 'mayRead'> {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
  return {
    signal: c.req.raw.signal,
    drop: outgoing && (() => outgoing.destroy()),
    mayRead: c.get('caller').mayRead,
  };
}
