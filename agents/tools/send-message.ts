import { z } from 'zod';
import { defineTool } from '../tool.ts';

/** Writes to another agent of the same tree. */
export const sendMessage = defineTool({
  name: 'send_message',
  description:
    'Writes to a running agent: one that you have started, one beside you, or "parent", the one that has started you. It ' +
    'reads the message in its next step.',
  parameters: z.object({
    to: z.string().describe('Its task_id or name, or "parent".'),
    text: z.string(),
  }),
  idempotent: true,
  run: ({ to, text }, { tasks }) => tasks.send(to, text),
});
