import type { z } from 'zod';
import type { TaskTools } from './task-tools.ts';

/** What a tool's code is given beside its arguments. */
export interface ToolContext {
  /** Task that the call belongs to. */
  taskId: string;
  /** `task:step:call_id`: the same on every retry of this call, for systems that want an idempotency key. */
  key: string;
  /**
   * Says something beside the result: an entry `task.custom` of the task's log, durable, in order, ahead of the result. Once the
   * signal is aborted there is a fifth of a second left for it. Throws where the payload is no JSON or too large.
   */
  emit(eventType: string, payload?: unknown): void;
  /** Starts and reaches other tasks of the same tree. */
  tasks: TaskTools;
  /** Aborted on cancel, time-out and worker shutdown. */
  signal: AbortSignal;
}

/** A tool. Throwing gives the model an error result; the run goes on. */
export interface Tool<Schema extends z.ZodObject = z.ZodObject> {
  name: string;
  description: string;
  parameters: Schema;
  /** True: the call may be made twice without harm, so it is retried when its worker is lost. Default false. */
  idempotent?: boolean;
  /** Longest time that one call may take, in milliseconds. Default 60,000. */
  timeoutMs?: number;
  /** True: each call waits until somebody has approved it, and is an error result for the model where that is refused. */
  needsApproval?: boolean;
  /** A call that nobody has approved within this time is refused, in milliseconds. Default: as long as the run has time. */
  approvalTimeoutMs?: number;
  run(args: z.infer<Schema>, context: ToolContext): Promise<unknown>;
}

/** Gives a tool's `run` the type of its parameters. */
export function defineTool<Schema extends z.ZodObject>(tool: Tool<Schema>): Tool {
  return tool as unknown as Tool;
}
