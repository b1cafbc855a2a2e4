import type { Failure } from './failures.ts';

export const TASK_STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_TYPES = ['agent_run', 'tool_run'] as const;
export type TaskType = (typeof TASK_TYPES)[number];

export function isTerminal(status: TaskStatus): boolean {
  return status === 'COMPLETED' || status === 'FAILED';
}

/** Tokens of all attempts, failed and aborted ones included. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  /** True where at least one figure is our estimate, because the provider gave none. */
  estimated: boolean;
}

export const NO_USAGE: Usage = { input_tokens: 0, output_tokens: 0, estimated: false };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    estimated: a.estimated || b.estimated,
  };
}

/** The call that a task of type `tool_run` carries out. */
export interface TaskToolCall {
  name: string;
  arguments: unknown;
}

export interface Parent {
  task_id: string;
  run_id?: string;
  call_id?: string;
  agent_id?: string;
}

/** A request to cancel, as the task's row keeps it. Times are RFC 3339 UTC with milliseconds. */
export interface CancelRequest {
  at: string;
  by: string | null;
  reason: string | null;
}

/** What a start does where a task of its conversation has not ended. `enqueue` is the default. */
export const ON_BUSY = ['reject', 'enqueue', 'interrupt', 'rollback'] as const;
export type OnBusy = (typeof ON_BUSY)[number];

/** The ended task that a task goes on from, and whether its partial output stands in the history. */
export interface ContinueFrom {
  task_id: string;
  partial: 'keep' | 'discard';
}

/** One part of an input that is a list of parts. */
export interface InputPart {
  type: 'text';
  text: string;
}
export type TaskInput = string | InputPart[];

/** The persisted record of one unit of work. */
export interface TaskRecord {
  /** The workflow's too. Of an epoch of an id that a caller has chosen: `epochId`. */
  id: string;
  owner: string;
  type: TaskType;
  agent: string;
  /** `provider/model` that replaces the agent's own, or null. */
  model: string | null;
  /** Instructions that replace the agent's own, or null. */
  instructions: string | null;
  name: string | null;
  description: string | null;
  status: TaskStatus;
  /** From 0 to 1; 0 while the task runs: how far it is then, its log tells. */
  progress: number;
  failure: Failure | null;
  input: TaskInput;
  output: { text: string } | { value: unknown } | null;
  partial_output: string | null;
  conversation_id: string | null;
  /** The task's place in its conversation, from 1; 0 without a conversation. */
  ordinal: number;
  /**
   * Its place in the order of turns, which is that of the ordinals unless a task went ahead of others: it reads what was
   * said in the turns before it. 0 without a conversation.
   */
  turn: number;
  /** Not its turn yet: it waits for those before it, or `ahead` of them for the task that it has interrupted. */
  queued: 'in_order' | 'ahead' | null;
  /** It runs beside its conversation: it takes no turn and says nothing there, and its end is a result to be claimed. */
  detached: boolean;
  continue_from: ContinueFrom | null;
  /** Its messages count for nothing any more. */
  rolled_back: boolean;
  parent: Parent | null;
  /** Ids of the tasks above it, the root's first and its parent's last. Some of them may be forgotten. */
  ancestors: string[];
  /** Of a `tool_run`, else null. */
  tool_call: TaskToolCall | null;
  metadata: Record<string, string>;
  /** How often the id was given, from 1. */
  epoch: number;
  limits: TaskLimits;
  cancel_request: CancelRequest | null;
  /** Run id of the workflow, once it has begun. */
  run_id: string | null;
  usage: Usage;
  /** Number of the newest log entry that the store knows of; final once the task has ended. */
  last_seq: number;
  /** The run was ended from outside and its log could not be read. */
  log_incomplete: boolean;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

/** Limits that a caller set for one task; null: the configured default. */
export interface TaskLimits {
  timeout_seconds: number | null;
  max_steps: number | null;
}

/** A stored message of a conversation. */
export interface Message {
  id: string;
  conversation_id: string;
  task_id: string;
  role: 'user' | 'assistant';
  /** Ordinal of the task that it belongs to. */
  ordinal: number;
  content: TaskInput;
  partial: boolean;
  /** Kept, but no part of the conversation any more: no later task reads it. */
  rolled_back: boolean;
  created_at: string;
}

export interface Conversation {
  id: string;
  owner: string;
  title: string | null;
  metadata: Record<string, string>;
  created_at: string;
}

/** The input as one text. */
export function inputText(input: TaskInput): string {
  return typeof input === 'string' ? input : input.map((part) => part.text).join('\n');
}
