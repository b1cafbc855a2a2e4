import { z } from '@hono/zod-openapi';
import { page, text } from './schemas.ts';

/** What requests about a task and all below it may hold, by the rules of `schemas.ts`. */

/** `GET /v1/tasks/{id}/tree` */
export const TreeQuerySchema = z.strictObject(page);

/** `POST /v1/tasks/{id}/cancel` */
export const CancelTaskSchema = z
  .strictObject({
    reason: text(0, 1_000).optional(),
    scope: z.enum(['tree', 'task']).optional().openapi({
      default: 'tree',
      description: '`tree`: with all tasks below it, and nothing is started there any more.',
    }),
    wait_ms: z.int().min(0).max(30_000).optional().openapi({
      default: 2_000,
      description: 'Longest wait for the end of all tasks that the cancel concerns.',
    }),
  })
  .openapi('CancelTask');
