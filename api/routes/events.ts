import { createRoute, z } from '@hono/zod-openapi';
import { wantsEventStream } from '../accept.ts';
import { connectionOf } from '../connection.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { ownTask } from '../own-task.ts';
import { EventPageSchema, EventsHeadersSchema, EventsQuerySchema } from '../event-schemas.ts';
import { orPassing } from '../passing.ts';
import { IdParamsSchema } from '../schemas.ts';
import { sseRefusal } from '../sse.ts';
import { ERRORS } from './responses.ts';

const eventsRoute = createRoute({
  method: 'get',
  path: '/v1/tasks/{id}/events',
  summary: "Read a task's feed",
  description:
    'Server-Sent Events, or with `Accept: application/json` a page of the log. `Last-Event-ID`, else `after`, is the cursor.',
  request: { params: IdParamsSchema, query: EventsQuerySchema, headers: EventsHeadersSchema },
  responses: {
    200: {
      description: 'The feed from the cursor on, or a page of the log.',
      content: {
        'text/event-stream': { schema: z.string() },
        'application/json': { schema: EventPageSchema },
      },
    },
    204: { description: 'The cursor is at the terminal event: nothing follows.' },
    ...ERRORS,
  },
});

/** The feed of one task, as SSE and as JSON. */
export function addEventRoutes(app: App, { store, feed }: AppDependencies): void {
  app.openapi(eventsRoute, async (c) => {
    const { conversation_id: conversationId, after, deltas, limit, wait_ms } = c.req.valid('query');
    const reference = { id: c.req.valid('param').id, owner: c.get('owner'), conversationId };
    const cursor = c.req.valid('header')['Last-Event-ID'] ?? after;

    if (!wantsEventStream(c, true)) {
      const task = await ownTask(store, reference);
      const request = { task, cursor, deltas, ...connectionOf(c), limit, waitMs: wait_ms };
      return c.json(await feed.page(request), 200);
    }
    return orPassing(async () => {
      const task = await ownTask(store, reference);
      // Nobody would ever read, and so end, a stream that is opened for a HEAD.
      if (c.req.method === 'HEAD') return sseRefusal();
      return feed.stream({ task, cursor, deltas, ...connectionOf(c) });
    });
  });
}
