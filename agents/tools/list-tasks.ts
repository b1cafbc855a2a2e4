import { z } from 'zod';
import { defineTool } from '../tool.ts';

/** Tells what runs below the agent's own task. */
export const listTasks = defineTool({
  name: 'list_tasks',
  description: 'Lists the tasks below you, ended ones too: the first 100, oldest first.',
  parameters: z.object({}),
  idempotent: true,
  run: (_, { tasks }) => tasks.list(),
});
