import { createRoute, z } from '@hono/zod-openapi';
import { publicId } from '../../contract/task-id.ts';
import { wantsEventStream } from '../accept.ts';
import { connectionOf } from '../connection.ts';
import { currentView } from '../current-view.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { newTask } from '../new-task.ts';
import { orPassing } from '../passing.ts';
import { placeOf, withRecordIds } from '../place-of.ts';
import { requestHash } from '../request-hash.ts';
import { TaskSchema } from '../response-schemas.ts';
import { IdempotencyHeadersSchema, NoQuerySchema, StartTaskSchema } from '../schemas.ts';
import { ERRORS, json } from './responses.ts';

const startRoute = createRoute({
  method: 'post',
  path: '/v1/tasks',
  summary: 'Start a task',
  description:
    'With `Accept: text/event-stream` the answer is the feed of the task from its first entry on. The tasks of a ' +
    'conversation take turns: `on_busy` says what is done where one has not ended.',
  request: {
    query: NoQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: { required: true, content: { 'application/json': { schema: StartTaskSchema } } },
  },
  responses: {
    202: json(TaskSchema, 'The task is accepted, for good.'),
    200: {
      description: 'The task that this idempotency key has started, or the feed.',
      content: {
        'application/json': { schema: TaskSchema },
        'text/event-stream': { schema: z.string() },
      },
    },
    ...ERRORS,
  },
});

/** Start a task, and read its feed at once where the caller accepts one. */
export function addStartRoute(app: App, dependencies: AppDependencies): void {
  const { store, tasks, feed } = dependencies;

  app.openapi(startRoute, async (c) => {
    const body = c.req.valid('json');
    const key = c.req.valid('header')['Idempotency-Key'];
    const watched = wantsEventStream(c, false);
    const owner = c.get('owner');
    const asked = await withRecordIds(store, body);
    const place = await placeOf(store, asked, owner);
    const wanted = newTask({ ...asked, ...place }, owner, dependencies);
    const { task, created } = await tasks.start(wanted, {
      key: key === undefined ? undefined : { key, requestHash: requestHash(body) },
      watched,
    });
    const location = `/v1/tasks/${publicId(task.id)}`;
    c.header('Location', location);
    if (!watched) return c.json(await currentView(task, dependencies), created ? 202 : 200);
    // The task is accepted whatever becomes of the stream: its reader finds it at the location.
    const response = await orPassing(() =>
      feed.stream({ task, cursor: undefined, deltas: true, ...connectionOf(c) }),
    );
    response.headers.set('Location', location);
    return response;
  });
}
