import { createRoute } from '@hono/zod-openapi';
import { CreateConversationSchema, MessagesQuerySchema } from '../conversation-schemas.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { conversationNotFound } from '../errors.ts';
import { isConversationId, newId } from '../ids.ts';
import { ownConversation } from '../own-conversation.ts';
import { pageRequest } from '../page-request.ts';
import { ConversationSchema, MessageSchema, pageOf } from '../response-schemas.ts';
import { IdParamsSchema, NoQuerySchema, PageQuerySchema } from '../schemas.ts';
import { conversationView, messageView } from '../task-view.ts';
import { ERRORS, json } from './responses.ts';

const createConversationRoute = createRoute({
  method: 'post',
  path: '/v1/conversations',
  summary: 'Create a conversation',
  request: {
    query: NoQuerySchema,
    body: {
      required: false,
      content: { 'application/json': { schema: CreateConversationSchema } },
    },
  },
  responses: { 201: json(ConversationSchema, 'The conversation.'), ...ERRORS },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/conversations',
  summary: 'List conversations',
  request: { query: PageQuerySchema },
  responses: { 200: json(pageOf(ConversationSchema), 'A page, newest first.'), ...ERRORS },
});

const getRoute = createRoute({
  method: 'get',
  path: '/v1/conversations/{id}',
  summary: 'Read a conversation',
  request: { params: IdParamsSchema, query: NoQuerySchema },
  responses: { 200: json(ConversationSchema, 'The conversation.'), ...ERRORS },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/conversations/{id}',
  summary: 'Forget a conversation with its messages and its tasks, their logs and workflows',
  description:
    '409 `task_not_terminal` where one of its tasks has not ended, or the news of an end is under way.',
  request: { params: IdParamsSchema, query: NoQuerySchema },
  responses: { 204: { description: 'It is gone.' }, ...ERRORS },
});

const messagesRoute = createRoute({
  method: 'get',
  path: '/v1/conversations/{id}/messages',
  summary: "List a conversation's messages",
  description:
    'In the order of turns. The message of a task that waits moves back when another one goes ahead of it.',
  request: { params: IdParamsSchema, query: MessagesQuerySchema },
  responses: { 200: json(pageOf(MessageSchema), 'A page, oldest first.'), ...ERRORS },
});

/** Create, list, read and forget conversations, and read their messages. */
export function addConversationRoutes(app: App, { store, tasks }: AppDependencies): void {
  app.openapi(createConversationRoute, async (c) => {
    const { title = null, metadata = {} } = c.req.valid('json');
    const conversation = { id: newId('conv'), owner: c.get('owner'), title, metadata };
    const created = await store.createConversation(conversation);
    c.header('Location', `/v1/conversations/${created.id}`);
    return c.json(conversationView(created), 201);
  });

  app.openapi(listRoute, async (c) => {
    const page = pageRequest(c.req.valid('query'));
    const { data, next_cursor } = await store.listConversations(c.get('owner'), page);
    return c.json({ data: data.map(conversationView), next_cursor }, 200);
  });

  app.openapi(getRoute, async (c) => {
    const reference = { id: c.req.valid('param').id, owner: c.get('owner') };
    const conversation = await ownConversation(store, reference);
    return c.json(conversationView(conversation), 200);
  });

  app.openapi(deleteRoute, async (c) => {
    const { id } = c.req.valid('param');
    if (!isConversationId(id)) throw conversationNotFound();
    await tasks.forgetConversation(id, c.get('owner'));
    return c.body(null, 204);
  });

  app.openapi(messagesRoute, async (c) => {
    const reference = { id: c.req.valid('param').id, owner: c.get('owner') };
    const { id } = await ownConversation(store, reference);
    const { rolled_back: rolledBack, ...query } = c.req.valid('query');
    const page = { ...pageRequest(query), rolledBack };
    const { data, next_cursor } = await store.listMessages(id, page);
    return c.json({ data: data.map(messageView), next_cursor }, 200);
  });
}
