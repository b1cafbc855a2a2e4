import { z } from 'zod';
import { defineTool } from '../tool.ts';

/** Longest wait that a model may ask for, in seconds: a day. */
const MAX_TIMEOUT_S = 86_400;

/** Waits for the end of tasks that run in the background. */
export const waitForTasks = defineTool({
  name: 'wait_for_tasks',
  description:
    'Waits until tasks that you have started in the background have ended. What they give is told to you behind the ' +
    'result, which says which have ended. The wait ends early where somebody writes to you.',
  parameters: z.object({
    tasks: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Their ids or names. Left out: all that run.'),
    until: z
      .enum(['all', 'any'])
      .default('all')
      .describe('Wait for all of them, or for the first.'),
    timeout_seconds: z.number().positive().max(MAX_TIMEOUT_S).optional(),
  }),
  idempotent: true,
  run: ({ tasks: which, until, timeout_seconds }, { tasks }) =>
    tasks.waitFor({
      tasks: which,
      until,
      timeoutMs: timeout_seconds && Math.ceil(timeout_seconds * 1000),
    }),
});
