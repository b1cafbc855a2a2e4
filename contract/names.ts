/** Names that the server, the worker and an operator's tools must agree on. */

export const AGENT_RUN_WORKFLOW = 'agentRun';
export const TOOL_RUN_WORKFLOW = 'toolRun';
export const RECONCILE_WORKFLOW = 'reconcile';

/** Search attributes, all of type Keyword. They are never encrypted: ids and names only. */
export const SEARCH_ATTRIBUTES = {
  conversation: 'HoldfastConversation',
  agent: 'HoldfastAgent',
  owner: 'HoldfastOwner',
  status: 'HoldfastStatus',
} as const;

/** The owner of everything while the service runs without keys, on loopback only. */
export const LOCAL_OWNER = 'local';

/** Names that address a task by its relation to the speaker: no task can have them. */
export const RESERVED_NAMES: readonly string[] = ['parent', 'self', 'all', 'broadcast'];

/** A tool call's name in the whole service: the same on every retry. */
export function callKey({ taskId, step, callId }: CallPlace): string {
  return `${taskId}:${step}:${callId}`;
}

export interface CallPlace {
  taskId: string;
  step: number;
  callId: string;
}
