import { z } from '@hono/zod-openapi';
import { time } from './response-schemas.ts';
import { flag, integer } from './schemas.ts';

/** What requests for feeds may hold, and the answers beside the feeds themselves. */

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

export const EventPageSchema = z
  .object({
    data: z.array(z.unknown()),
    next: z.string().openapi({ description: 'Cursor behind the last entry of `data`.' }),
    last_seq: z.number(),
    terminal: z.boolean(),
  })
  .openapi('EventPage');

export const GroupEventPageSchema = z
  .object({
    data: z.array(z.unknown()),
    next: z.string().openapi({
      description: 'Cursor behind the last entry of `data`; goes on with tasks still to come, too.',
    }),
  })
  .openapi('GroupEventPage');

export const StreamTokenSchema = z
  .object({
    token: z.string(),
    expires_at: time.nullable().openapi({
      description: "15 minutes after the task's end. Null: the task has not ended.",
    }),
  })
  .openapi('StreamToken');
