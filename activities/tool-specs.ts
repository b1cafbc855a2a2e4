import { z } from 'zod';
import type { Agent } from '../agents/agent.ts';
import type { Tool } from '../agents/tool.ts';
import type { ToolSpec } from './models/model.ts';
import type { ToolPolicy } from './types.ts';

const DEFAULT_TOOL_TIMEOUT_MS = 60_000;

/** An agent's tools as a model sees them. */
export function toolSpecs(agent: Agent): ToolSpec[] {
  return agent.tools.map(({ name, description, parameters }) => ({
    name,
    description,
    parameters: z.toJSONSchema(parameters, { io: 'input' }) as Record<string, unknown>,
  }));
}

/** A tool as the workflow sees it. */
export function toolPolicy(tool: Tool): ToolPolicy {
  const { name, idempotent, timeoutMs, needsApproval, approvalTimeoutMs } = tool;
  return {
    name,
    idempotent: idempotent ?? false,
    timeoutMs: timeoutMs ?? DEFAULT_TOOL_TIMEOUT_MS,
    ...(needsApproval && { needsApproval }),
    ...(approvalTimeoutMs !== undefined && { approvalTimeoutMs }),
  };
}
