import type { Agent } from '../agents/agent.ts';
import { RESERVED_NAMES } from '../contract/names.ts';
import type { Parent } from '../contract/task.ts';
import { isTaskId } from '../contract/task-id.ts';
import type { NewTask } from '../store/new-task.ts';
import { ApiError, taskNotFound } from './errors.ts';
import { newId } from './ids.ts';
import type { StartTask } from './schemas.ts';

interface Agents {
  agents: readonly Agent[];
  config: { defaultAgent: string };
}

/** The task that a request asks for. Throws `agent_not_found`, `reserved_name`, `task_not_found`. */
export function newTask(request: StartTask, owner: string, { agents, config }: Agents): NewTask {
  const agent = request.agent ?? config.defaultAgent;
  if (!agents.some(({ name }) => name === agent)) {
    throw new ApiError('agent_not_found', 'There is no such agent.');
  }
  if (request.name !== undefined && RESERVED_NAMES.includes(request.name)) {
    throw new ApiError('reserved_name', `The name '${request.name}' is reserved.`);
  }
  return {
    id: request.id ?? newId('task'),
    owner,
    type: 'agent_run',
    agent,
    model: request.model ?? null,
    instructions: request.instructions ?? null,
    name: request.name ?? null,
    description: request.description ?? null,
    input: request.input,
    conversation_id: request.conversation_id ?? null,
    parent: parentOf(request),
    metadata: request.metadata ?? {},
    detached: request.detached ?? false,
    continue_from: request.continue_from ?? null,
    on_busy: request.on_busy,
    limits: {
      timeout_seconds: request.timeout_seconds ?? null,
      max_steps: request.max_steps ?? null,
    },
  };
}

function parentOf({ parent }: StartTask): Parent | null {
  if (!parent) return null;
  if (!isTaskId(parent.task_id)) throw taskNotFound();
  // In JSON a field that is left out is not there; only Zod's types say `undefined`.
  return parent as Parent;
}
