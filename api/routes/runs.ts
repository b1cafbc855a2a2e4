import { createRoute } from '@hono/zod-openapi';
import { acceptedEvent } from '../../contract/accepted-event.ts';
import { publicId } from '../../contract/task-id.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { followUp } from '../follow-up.ts';
import { newTask } from '../new-task.ts';
import { ownTask } from '../own-task.ts';
import { requestHash } from '../request-hash.ts';
import { TakenSchema } from '../response-schemas.ts';
import { ApprovalParamsSchema, DecideSchema, SendMessageSchema } from '../run-schemas.ts';
import { IdempotencyHeadersSchema, IdParamsSchema, TaskQuerySchema } from '../schemas.ts';
import { ERRORS, json } from './responses.ts';

const messageRoute = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/messages',
  summary: 'Write to a running agent run, or for after it',
  description:
    'The next step of the run reads the message; one that nobody has read when an answer is ready causes one more step. ' +
    'Of a task that has not begun yet, the first step reads it. With `after_run` the run does not read it: a task is ' +
    'started for it, whose `Location` is in the answer, with the same agent, behind all that runs or waits in the ' +
    'conversation; at once where nothing does, so that a task that has ended can be written to as well. A message that ' +
    'is sent again under the same `Idempotency-Key` is taken once.',
  request: {
    params: IdParamsSchema,
    query: TaskQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: { required: true, content: { 'application/json': { schema: SendMessageSchema } } },
  },
  responses: {
    202: json(TakenSchema, 'The message stands in the log of the task, at `seq`.'),
    ...ERRORS,
  },
});

const approvalRoute = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/approvals/{approval_id}',
  summary: 'Approve a tool call that waits for it, or refuse it',
  description:
    'What waits stands in `live.pending_approvals` of the task and as `approval.requested` in its log. The first decision ' +
    'counts. A call that is refused gives the model an error result with the reason, and the run goes on.',
  request: {
    params: ApprovalParamsSchema,
    query: TaskQuerySchema,
    body: { required: true, content: { 'application/json': { schema: DecideSchema } } },
  },
  responses: { 200: json(TakenSchema, 'The decision stands in the log, at `seq`.'), ...ERRORS },
});

/** What reaches into a running run. */
export function addRunRoutes(app: App, dependencies: AppDependencies): void {
  const { store, tasks } = dependencies;

  app.openapi(messageRoute, async (c) => {
    const { conversation_id: conversationId } = c.req.valid('query');
    const reference = { id: c.req.valid('param').id, owner: c.get('owner'), conversationId };
    const task = await ownTask(store, reference);
    const { text, from = null, mode = 'next_step' } = c.req.valid('json');
    const key = c.req.valid('header')['Idempotency-Key'];
    if (mode === 'after_run') {
      const wanted = newTask(followUp(task, { text, from }), task.owner, dependencies);
      const request = { task_id: task.id, mode, text, from };
      const next = await tasks.start(wanted, {
        key: key === undefined ? undefined : { key, requestHash: requestHash(request) },
      });
      c.header('Location', `/v1/tasks/${next.task.id}`);
      return c.json({ task_id: next.task.id, seq: acceptedEvent(next.task).seq }, 202);
    }
    const repeatable = key === undefined ? {} : { key, requestHash: requestHash({ text, from }) };
    const { seq } = await tasks.message(task, { text, from, ...repeatable });
    return c.json({ task_id: publicId(task.id), seq }, 202);
  });

  app.openapi(approvalRoute, async (c) => {
    const { id, approval_id: approvalId } = c.req.valid('param');
    const { conversation_id: conversationId } = c.req.valid('query');
    const task = await ownTask(store, { id, owner: c.get('owner'), conversationId });
    const { approved, reason = null } = c.req.valid('json');
    const { seq } = await tasks.decide(task, { approvalId, approved, reason });
    return c.json({ task_id: publicId(task.id), seq }, 200);
  });
}
