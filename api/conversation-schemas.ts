import { z } from '@hono/zod-openapi';
import { flag, MetadataSchema, ORDERS, page, text } from './schemas.ts';

/** What requests about conversations may hold, by the rules of `schemas.ts`. */

/** `POST /v1/conversations` */
export const CreateConversationSchema = z
  .strictObject({ title: text(0, 256).optional(), metadata: MetadataSchema.optional() })
  .openapi('CreateConversation');

/** `GET /v1/conversations/{id}/messages`: a list that begins with the oldest. */
export const MessagesQuerySchema = z.strictObject({
  ...page,
  order: z.enum(ORDERS).default('asc'),
  rolled_back: flag(false).openapi({ description: '`true`: those too that were rolled back.' }),
});

/** `POST /v1/conversations/{id}/cancel` */
export const CancelConversationSchema = z
  .strictObject({
    reason: text(0, 1_000).optional(),
    wait_ms: z.int().min(0).max(30_000).optional(),
  })
  .openapi('CancelConversation');

/** `POST /v1/conversations/{id}/results/claim` */
export const ClaimResultsSchema = z
  .strictObject({
    claim_id: text(1, 255).openapi({
      description: 'The caller makes a new one for each claim, and repeats it only to ask again.',
    }),
    limit: z.int().min(1).max(100).optional(),
  })
  .openapi('ClaimResults');

/** `DELETE /v1/conversations/{id}/tasks` */
export const ForgetTasksQuerySchema = z.strictObject({
  state: z.literal('terminal', { error: "must be 'terminal': only ended tasks can be forgotten" }),
});
