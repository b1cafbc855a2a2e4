import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { childName } from './child-name.ts';

/** Starts another agent, and waits for its answer or goes on. */
export const spawnAgent = defineTool({
  name: 'spawn_agent',
  description:
    'Starts an agent on a piece of work. In the foreground (the default) the result is its answer. In the background the ' +
    'result is its task_id at once; its events and its answer are told to you when they come. It sees nothing of this ' +
    'conversation but the input, so say all that it needs to know.',
  parameters: z.object({
    input: z.string().min(1).describe('What the agent is to do.'),
    agent: z.string().optional().describe('Name of the agent. Left out: an agent like you.'),
    name: childName,
    background: z.boolean().default(false),
  }),
  idempotent: true,
  run: async ({ background, ...run }, { tasks }) => {
    const task = await tasks.spawn(run);
    return background ? task : tasks.resultOf(task);
  },
});
