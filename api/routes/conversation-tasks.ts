import { createRoute, z } from '@hono/zod-openapi';
import {
  CancelConversationSchema,
  ClaimResultsSchema,
  ForgetTasksQuerySchema,
} from '../conversation-schemas.ts';
import type { App, AppDependencies } from '../dependencies.ts';
import { conversationNotFound } from '../errors.ts';
import { isConversationId } from '../ids.ts';
import { ReceiptSchema, TaskSchema } from '../response-schemas.ts';
import { IdParamsSchema, NoQuerySchema } from '../schemas.ts';
import { taskView } from '../task-view.ts';
import { DEFAULT_CANCEL_WAIT_MS } from './tasks.ts';
import { ERRORS, json } from './responses.ts';

const DEFAULT_CLAIM = 20;

const CancelledSchema = z
  .object({
    cancelled: z.number().openapi({ description: 'How many tasks had not ended.' }),
    receipts: z.array(ReceiptSchema),
  })
  .openapi('CancelledConversation');

const cancelRoute = createRoute({
  method: 'post',
  path: '/v1/conversations/{id}/cancel',
  summary: 'Cancel all that runs or waits in a conversation',
  request: {
    params: IdParamsSchema,
    query: NoQuerySchema,
    body: {
      required: false,
      content: { 'application/json': { schema: CancelConversationSchema } },
    },
  },
  responses: {
    200: json(CancelledSchema, 'All of them have ended.'),
    202: json(CancelledSchema, 'The cancels are recorded and will happen.'),
    ...ERRORS,
  },
});

const claimRoute = createRoute({
  method: 'post',
  path: '/v1/conversations/{id}/results/claim',
  summary: 'Claim the results of tasks beside the conversation',
  description:
    'Each ended task is delivered once that was started with `detached`, or by an agent whose own task has ended without ' +
    'reading its end; running ones stay. The same `claim_id` again gives the same answer. A claim that found nothing may be ' +
    'repeated under its id.',
  request: {
    params: IdParamsSchema,
    query: NoQuerySchema,
    body: { required: true, content: { 'application/json': { schema: ClaimResultsSchema } } },
  },
  responses: {
    200: json(z.object({ data: z.array(TaskSchema) }), 'The tasks, first ended first.'),
    ...ERRORS,
  },
});

const forgetRoute = createRoute({
  method: 'delete',
  path: '/v1/conversations/{id}/tasks',
  summary: 'Forget the ended tasks of a conversation',
  description:
    'Those beside the conversation stay whose result nobody has had, by a claim or as their parent. Messages stay.',
  request: { params: IdParamsSchema, query: ForgetTasksQuerySchema },
  responses: { 200: json(z.object({ removed: z.number() }), 'How many are gone.'), ...ERRORS },
});

/** Cancel the tasks of a conversation, claim the results of those beside it, and forget those that have ended. */
export function addConversationTaskRoutes(app: App, dependencies: AppDependencies): void {
  const { store, tasks, config } = dependencies;

  function conversationId(id: string): string {
    if (!isConversationId(id)) throw conversationNotFound();
    return id;
  }

  app.openapi(cancelRoute, async (c) => {
    const id = conversationId(c.req.valid('param').id);
    const { reason = null, wait_ms: waitMs = DEFAULT_CANCEL_WAIT_MS } = c.req.valid('json');
    const by = c.get('owner');
    const receipts = await tasks.cancelConversation(id, by, { by, reason, waitMs });
    const open = receipts.some(({ outcome }) => outcome === 'cancelling');
    return c.json({ cancelled: receipts.length, receipts }, open ? 202 : 200);
  });

  app.openapi(claimRoute, async (c) => {
    const id = conversationId(c.req.valid('param').id);
    const { claim_id: claimId, limit = DEFAULT_CLAIM } = c.req.valid('json');
    const results = await store.claimResults(id, c.get('owner'), { claimId, limit });
    if (!results) throw conversationNotFound();
    return c.json({ data: results.map((task) => taskView(task, config)) }, 200);
  });

  app.openapi(forgetRoute, async (c) => {
    const id = conversationId(c.req.valid('param').id);
    return c.json({ removed: await tasks.forgetEnded(id, c.get('owner')) }, 200);
  });
}
