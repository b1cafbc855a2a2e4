import { createRoute } from '@hono/zod-openapi';
import {
  KEYLESS_TOKEN,
  streamToken,
  streamTokenExpiry,
  tokensHaveExpired,
} from '../auth/stream-token.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { ApiError } from '../errors.ts';
import { ownTask } from '../own-task.ts';
import { StreamTokenSchema } from '../event-schemas.ts';
import { IdParamsSchema, NoQuerySchema } from '../schemas.ts';
import { ERRORS, json } from './responses.ts';

const streamTokenRoute = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/stream-token',
  summary: "Give out a token that reads a task's feed",
  description:
    'For `EventSource`, which cannot send a key: `GET /v1/tasks/{id}/events?access_token=…`. The token reads this one feed, ' +
    'until 15 minutes after the end of the task, and no longer than its key is valid. While the service has no keys, it is a ' +
    'placeholder. 409 `task_terminated` later than those 15 minutes.',
  request: { params: IdParamsSchema, query: NoQuerySchema },
  responses: { 200: json(StreamTokenSchema, 'The token.'), ...ERRORS },
});

/** Tokens for readers who cannot send a key. */
export function addStreamTokenRoute(app: App, { store }: AppDependencies): void {
  app.openapi(streamTokenRoute, async (c) => {
    const { owner, key } = c.get('caller');
    const task = await ownTask(store, { id: c.req.valid('param').id, owner });
    if (tokensHaveExpired(task)) {
      const message = 'The task ended more than 15 minutes ago; its feed is read with a key.';
      throw new ApiError('task_terminated', message, { status: task.status });
    }
    c.header('Cache-Control', 'no-store');
    const token = key ? streamToken(key, task) : KEYLESS_TOKEN;
    return c.json({ token, expires_at: streamTokenExpiry(task) }, 200);
  });
}
