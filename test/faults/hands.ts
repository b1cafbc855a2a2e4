import { z } from 'zod';
import type { Agent } from '../../agents/agent.ts';
import { defineTool } from '../../agents/tool.ts';

/** More than the tests of one service start. */
const HANDS = 100;

const launch = defineTool({
  name: 'launch',
  description: 'Cannot be undone.',
  parameters: z.object({}),
  needsApproval: true,
  run: () => Promise.resolve('launched'),
});

/** For `openService`: its processes know the hands beside their own agents. */
export const WITH_HANDS = {
  NODE_OPTIONS: `--import=${new URL('./load-hands.ts', import.meta.url)}`,
};

/** Agents for the children of a test, one for each: a child speaks by its agent's model, and a script is known by that. */
export function createHands(): Agent[] {
  return Array.from({ length: HANDS }, (_, n) => ({
    name: nameOf(n),
    description: 'Says what its script says.',
    instructions: 'Do what you are told.',
    model: `openai-compatible/${nameOf(n)}`,
    tools: [launch],
  }));
}

/** Gives the name of another hand each time. It is the key of its script, too. */
export function createHandPicker(): () => string {
  let picked = 0;
  return () => nameOf(picked++);
}

function nameOf(n: number): string {
  return `hand-${n}`;
}
