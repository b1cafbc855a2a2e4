import { z } from 'zod';
import { defineTool } from '../tool.ts';

/** Stops a task below the agent's own. */
export const cancelTask = defineTool({
  name: 'cancel_task',
  description:
    'Stops a task that you have started, or that one of those has started, with all that is below it. What it has said so ' +
    'far is kept, and told to you.',
  parameters: z.object({
    task: z.string().describe('Its task_id or name.'),
    reason: z.string().max(200).optional(),
  }),
  idempotent: true,
  run: ({ task, reason }, { tasks }) => tasks.cancel(task, reason),
});
