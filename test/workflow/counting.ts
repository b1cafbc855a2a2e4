import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';

export const count = defineTool({
  name: 'count',
  description: 'Counts, and tells each number.',
  parameters: z.object({ from: z.number().default(1), to: z.number() }),
  run: async ({ from, to }, { emit }) => {
    for (let n = from; n <= to; n += 1) emit('tick', n);
    return to;
  },
});
