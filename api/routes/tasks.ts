import { createRoute } from '@hono/zod-openapi';
import { isTaskId } from '../../contract/task-id.ts';
import { currentView } from '../current-view.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { taskNotFound } from '../errors.ts';
import { ListTasksQuerySchema } from '../list-schemas.ts';
import { ownTask, recordId } from '../own-task.ts';
import { pageRequest } from '../page-request.ts';
import { pageOf, ReceiptSchema, TaskSchema } from '../response-schemas.ts';
import { IdParamsSchema, NoQuerySchema, TaskQuerySchema } from '../schemas.ts';
import { taskFilter } from '../task-filter.ts';
import { taskView } from '../task-view.ts';
import { CancelTaskSchema, TreeQuerySchema } from '../tree-schemas.ts';
import { ERRORS, json } from './responses.ts';

/** How long a cancel waits for the end unless it says otherwise. */
export const DEFAULT_CANCEL_WAIT_MS = 2_000;

const listRoute = createRoute({
  method: 'get',
  path: '/v1/tasks',
  summary: 'List tasks',
  description: '`status` may be given several times; `metadata.<key>=<value>` filters by metadata.',
  request: { query: ListTasksQuerySchema },
  responses: { 200: json(pageOf(TaskSchema), 'A page of tasks, newest first.'), ...ERRORS },
});

const getRoute = createRoute({
  method: 'get',
  path: '/v1/tasks/{id}',
  summary: 'Read a task',
  request: { params: IdParamsSchema, query: TaskQuerySchema },
  responses: { 200: json(TaskSchema, 'The task.'), ...ERRORS },
});

const treeRoute = createRoute({
  method: 'get',
  path: '/v1/tasks/{id}/tree',
  summary: 'List a task and all tasks below it',
  description: 'Of every generation, each with its `parent`. A parent comes before its children.',
  request: { params: IdParamsSchema, query: TreeQuerySchema },
  responses: { 200: json(pageOf(TaskSchema), 'A page, oldest first.'), ...ERRORS },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/tasks/{id}',
  summary: 'Forget an ended task',
  description:
    'With its idempotency key; its messages stay. 409 `task_not_terminal` where it has not ended, or where a cancel of its ' +
    'tree or the news of its end to its parent is under way.',
  request: { params: IdParamsSchema, query: NoQuerySchema },
  responses: { 204: { description: 'Record, log and workflow are gone.' }, ...ERRORS },
});

const cancelRoute = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/cancel',
  summary: 'Cancel a task, with all tasks below it',
  description:
    'Where the task has ended, those below it are cancelled all the same. With `scope: task` they go on.',
  request: {
    params: IdParamsSchema,
    query: NoQuerySchema,
    body: { required: false, content: { 'application/json': { schema: CancelTaskSchema } } },
  },
  responses: {
    200: json(ReceiptSchema, 'All that was to be cancelled has ended.'),
    202: json(ReceiptSchema, 'The cancel is recorded and will happen.'),
    ...ERRORS,
  },
});

/** List, read, forget and cancel tasks, and list their trees. */
export function addTaskRoutes(app: App, dependencies: AppDependencies): void {
  const { store, tasks, config } = dependencies;

  app.openapi(listRoute, async (c) => {
    const query = c.req.valid('query');
    const filter = await taskFilter(store, query, c.get('owner'));
    const { data, next_cursor } = await store.listTasks(filter, pageRequest(query));
    return c.json({ data: data.map((task) => taskView(task, config)), next_cursor }, 200);
  });

  app.openapi(getRoute, async (c) => {
    const { conversation_id: conversationId } = c.req.valid('query');
    const reference = { id: c.req.valid('param').id, owner: c.get('owner'), conversationId };
    return c.json(await currentView(await ownTask(store, reference), dependencies), 200);
  });

  app.openapi(treeRoute, async (c) => {
    const { id } = await ownTask(store, { id: c.req.valid('param').id, owner: c.get('owner') });
    const { limit, cursor } = c.req.valid('query');
    const page = { limit, ...(cursor !== undefined && { cursor }) };
    const { data, next_cursor } = await store.listTree(id, c.get('owner'), page);
    return c.json({ data: data.map((task) => taskView(task, config)), next_cursor }, 200);
  });

  app.openapi(deleteRoute, async (c) => {
    const { id } = c.req.valid('param');
    if (!isTaskId(id)) throw taskNotFound();
    await tasks.forget(await recordId(store, id), c.get('owner'));
    return c.body(null, 204);
  });

  app.openapi(cancelRoute, async (c) => {
    const { id } = c.req.valid('param');
    if (!isTaskId(id)) throw taskNotFound();
    const {
      reason = null,
      scope = 'tree',
      wait_ms: waitMs = DEFAULT_CANCEL_WAIT_MS,
    } = c.req.valid('json');
    const by = c.get('owner');
    const cancel = { by, reason, scope, waitMs };
    const receipt = await tasks.cancel(await recordId(store, id), by, cancel);
    return c.json(receipt, receipt.outcome === 'cancelling' ? 202 : 200);
  });
}
