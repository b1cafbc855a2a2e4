import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { childName } from './child-name.ts';

/** Carries out a call of another tool as a task of its own. */
export const runInBackground = defineTool({
  name: 'run_in_background',
  description:
    'Calls one of your other tools in the background, for work that takes long. The result is a task_id at once; the ' +
    "tool's own result is told to you when it comes.",
  parameters: z.object({
    tool: z.string().describe('Name of the tool.'),
    arguments: z.record(z.string(), z.unknown()).default({}).describe('As the tool takes them.'),
    name: childName,
  }),
  idempotent: true,
  run: (run, { tasks }) => tasks.runTool(run),
});
