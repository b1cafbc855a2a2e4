import { z } from '@hono/zod-openapi';
import { flag, integer } from './schemas.ts';

/** What requests for feeds may hold. */

/** `GET /v1/events`; `limit` and `wait_ms` count for JSON only. */
export const AllEventsQuerySchema = z.strictObject({
  after: z.string().optional(),
  limit: integer(1, 100, 100),
  wait_ms: integer(0, 30_000, 0),
});

/** `GET /v1/conversations/{id}/events` */
export const ConversationEventsQuerySchema = z.strictObject({
  ...AllEventsQuerySchema.shape,
  deltas: flag(true),
});

/** `GET /v1/tasks/{id}/events` */
export const EventsQuerySchema = z.strictObject({
  ...ConversationEventsQuerySchema.shape,
  conversation_id: z.string().optional(),
  access_token: z
    .string()
    .optional()
    .openapi({ description: 'A stream token, where no key can be sent.' }),
});

export const EventsHeadersSchema = z.object({ 'Last-Event-ID': z.string().optional() });
