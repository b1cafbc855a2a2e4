import { z } from '@hono/zod-openapi';
import { text } from './schemas.ts';

/** What requests may hold that reach into a running run. */

/** `POST /v1/tasks/{id}/messages` */
export const SendMessageSchema = z
  .strictObject({
    text: text(0, 65_536),
    from: text(1, 64).optional().openapi({ description: 'Who writes, as the model is told.' }),
    mode: z.enum(['next_step', 'after_run']).optional().openapi({
      default: 'next_step',
      description:
        'Whether the next step of the run reads it, or a task that is started for it and has its turn in the conversation behind the run.',
    }),
  })
  .openapi('SendMessage');

/** `POST /v1/tasks/{id}/approvals/{approval_id}` */
export const DecideSchema = z
  .strictObject({ approved: z.boolean(), reason: text(0, 1_000).optional() })
  .openapi('Decide');

export const ApprovalParamsSchema = z.object({ id: z.string(), approval_id: z.string() });
