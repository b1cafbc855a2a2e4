import type { Tool } from './tool.ts';

/** An agent that can be started by name. One file per agent; `agents/index.ts` lists them. */
export interface Agent {
  name: string;
  description: string;
  instructions: string;
  /** `provider/id`; left out: the configured `MODEL`. */
  model?: string;
  tools: readonly Tool[];
  /** Tokens of conversation that a run may read, by estimate; older turns are left out. Default 100,000. */
  contextTokens?: number;
}
