import { z } from 'zod';
import { defineTool } from '../tool.ts';

/** Says how far the work is, as a custom event: readers of the feed see it, and the agent that has started this one reads it. */
export const reportProgress = defineTool({
  name: 'report_progress',
  description:
    'Tells those who follow your work how far it is, and the agent that has started you, if one has. Use it between the ' +
    'parts of work that takes many steps. Your answer is not changed by it.',
  parameters: z.object({
    done: z.number().nonnegative().optional().describe('How many parts are done.'),
    total: z.number().nonnegative().optional().describe('Of how many.'),
    note: z.string().min(1).max(1_000).describe('What is done, or found so far, in a sentence.'),
  }),
  idempotent: true,
  run: async (progress, { emit }) => {
    emit('progress', progress);
    return { reported: true };
  },
});
