import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { wantsEventStream } from '../accept.ts';
import { connectionOf } from '../connection.ts';
import type { ApiEnv, App, AppDependencies } from '../dependencies.ts';
import { ownConversation } from '../own-conversation.ts';
import { orPassing } from '../passing.ts';
import type { GroupFeedRequest } from '../ports.ts';
import {
  AllEventsQuerySchema,
  ConversationEventsQuerySchema,
  EventsHeadersSchema,
  GroupEventPageSchema,
} from '../event-schemas.ts';
import { IdParamsSchema } from '../schemas.ts';
import { sseRefusal } from '../sse.ts';
import { ERRORS } from './responses.ts';

const responses = {
  200: {
    description: 'The feed from the cursor on, without an end; or a page of log entries.',
    content: {
      'text/event-stream': { schema: z.string() },
      'application/json': { schema: GroupEventPageSchema },
    },
  },
  ...ERRORS,
};

const conversationRoute = createRoute({
  method: 'get',
  path: '/v1/conversations/{id}/events',
  summary: 'Read the feed of all tasks of a conversation',
  description:
    'One stream of Server-Sent Events with one cursor, from the first task on; tasks join it as they are accepted, and it does not end with them. Every frame says its `task_id`. At most 32 tasks are given at the same time; others wait for their turn. `Last-Event-ID`, else `after`, is the cursor. With `Accept: application/json` a page of log entries.',
  request: {
    params: IdParamsSchema,
    query: ConversationEventsQuerySchema,
    headers: EventsHeadersSchema,
  },
  responses,
});

const allRoute = createRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'Read the log entries of all tasks',
  description:
    'As the feed of a conversation, with log entries only. Without a cursor it begins now: with a frame `feed.opened`, the tasks that have not ended, each from its first entry, and those to come. With `after=0` it begins with the first task there is.',
  request: { query: AllEventsQuerySchema, headers: EventsHeadersSchema },
  responses,
});

/** The feeds of several tasks: of a conversation, and of an owner. */
export function addGroupEventRoutes(app: App, { store, feed }: AppDependencies): void {
  app.openapi(conversationRoute, async (c) => {
    const { after, deltas, limit, wait_ms: waitMs } = c.req.valid('query');
    const cursor = c.req.valid('header')['Last-Event-ID'] ?? after;
    const owner = c.get('owner');
    const request = async (): Promise<GroupFeedRequest> => {
      const { id } = await ownConversation(store, { id: c.req.valid('param').id, owner });
      return { group: { owner, conversationId: id }, cursor, deltas, ...connectionOf(c) };
    };
    if (wantsEventStream(c, true)) return openStream(c, request);
    return c.json(await feed.pageGroup({ ...(await request()), limit, waitMs }), 200);
  });

  app.openapi(allRoute, async (c) => {
    const { after, limit, wait_ms: waitMs } = c.req.valid('query');
    const cursor = c.req.valid('header')['Last-Event-ID'] ?? after;
    const group = { owner: c.get('owner'), conversationId: null };
    const request: GroupFeedRequest = { group, cursor, deltas: false, ...connectionOf(c) };
    if (wantsEventStream(c, true)) return openStream(c, () => Promise.resolve(request));
    return c.json(await feed.pageGroup({ ...request, limit, waitMs }), 200);
  });

  /** Nobody would ever read, and so end, a stream that is opened for a HEAD. */
  function openStream(
    c: Context<ApiEnv>,
    request: () => Promise<GroupFeedRequest>,
  ): Promise<Response> {
    return orPassing(async () => {
      const asked = await request();
      return c.req.method === 'HEAD' ? sseRefusal() : feed.streamGroup(asked);
    });
  }
}
