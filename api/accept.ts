import type { Context } from 'hono';
import { accepts } from 'hono/accepts';

/** The feeds, of a task or of several. */
const FEED = /\/events$/;
const EVENT_STREAM = 'text/event-stream';
const JSON_TYPE = 'application/json';

/** Whether the caller asks for the feed as SSE. `otherwise` decides where `Accept` names neither SSE nor JSON. */
export function wantsEventStream(c: Context, otherwise: boolean): boolean {
  const type = accepts(c, {
    header: 'Accept',
    supports: [EVENT_STREAM, JSON_TYPE],
    default: otherwise ? EVENT_STREAM : JSON_TYPE,
  });
  return type === EVENT_STREAM;
}

/** Whether the request opens a feed as SSE, so that its reader gives up for good on anything but 200. */
export function asksForFeed(c: Context): boolean {
  return c.req.method === 'GET' && FEED.test(c.req.path) && wantsEventStream(c, true);
}
