import { z } from '@hono/zod-openapi';
import { ON_BUSY } from '../contract/task.ts';
import { isTaskId } from '../contract/task-id.ts';

/** How a start stands to other tasks. */

export const OnBusySchema = z.enum(ON_BUSY).openapi({
  description:
    'What is done where a task of the conversation has not ended. `reject`: this one is refused (409). `enqueue`, the ' +
    'default: it runs after those before it, in order. `interrupt`: the one that runs is cancelled, its partial is kept, ' +
    'and this one runs next. `rollback`: the same, and the messages of the cancelled one are dropped.',
});

export const ContinueFromSchema = z
  .strictObject({
    task_id: z.string().refine(isTaskId, { error: 'must be the id of a task' }),
    partial: z.enum(['keep', 'discard']),
  })
  .openapi({
    description:
      'Goes on from an ended task, in its conversation. With `keep` its partial output stands in the history as an ' +
      'interrupted answer, with `discard` it does not.',
  });

export const DetachedSchema = z.boolean().openapi({
  description:
    'Runs beside its conversation, which it reads as of its start and adds nothing to; its end is a result to be claimed ' +
    'there.',
});

/** Refuses fields that make no sense together. */
export function refuseMisplaced(start: Record<string, unknown>, context: z.RefinementCtx): void {
  if (start.detached !== true) return;
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (start.conversation_id === undefined) {
    refuse('detached', 'needs a conversation_id: the result is claimed there');
  }
  for (const field of ['on_busy', 'continue_from']) {
    if (start[field] !== undefined) refuse(field, 'cannot be given together with detached');
  }
}
