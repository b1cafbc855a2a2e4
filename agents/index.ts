import type { Agent } from './agent.ts';
import { defaultAgent } from './default.ts';
import { leadAgent } from './lead.ts';

/** Every agent that can be started by name. */
export const agents: readonly Agent[] = [defaultAgent, leadAgent];
