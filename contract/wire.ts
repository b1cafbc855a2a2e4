/** Shapes of the HTTP API that the server and the client share. */
import type { Failure } from './failures.ts';
import type { Parent, TaskInput, TaskStatus, TaskToolCall, TaskType, Usage } from './task.ts';

/** What a running task is doing. `text` is what its current step has said so far. */
export interface Live {
  step: number;
  attempt: number;
  phase: 'starting' | 'model' | 'tools' | 'backoff' | 'finishing';
  tool: string | null;
  text: string;
  pending_approvals: string[];
  persistence_error: string | null;
}

/** The task as callers see it. */
export interface Task {
  /** The same for all epochs of an id that the caller has chosen; `<id>.e<n>` names one of them. */
  id: string;
  object: 'task';
  type: TaskType;
  agent: string;
  name: string | null;
  description: string | null;
  status: TaskStatus;
  /** From 0 to 1: what a tool has told last by the event `progress`; 1 when COMPLETED. */
  progress: number;
  failure: Failure | null;
  input: TaskInput;
  output: { text: string } | { value: unknown } | null;
  partial_output: string | null;
  conversation_id: string | null;
  /** Of a `tool_run`. */
  tool_call?: TaskToolCall;
  parent?: Parent;
  metadata: Record<string, string>;
  epoch: number;
  supports_resume: boolean;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  usage: Usage;
  last_seq: number;
  log_incomplete?: true;
  live: Live | null;
  workflow: { workflow_id: string; run_id: string | null; url: string };
}

export interface Receipt {
  task_id: string;
  outcome: 'cancelled' | 'cancelling' | 'already_terminal';
  status: TaskStatus;
  requested_at: string | null;
  stopped_at: string | null;
  /** From the request to the terminal status, in milliseconds. */
  stop_latency_ms: number | null;
  last_seq: number;
  partial_output: string | null;
  usage: Usage;
  children: Receipt[];
}

/** What was taken into the log of `task_id`, a task that was started for it where it was for after a run: `seq` is its entry. */
export interface Taken {
  task_id: string;
  seq: number;
}

/** Reads the feed of one task, where no key can be sent: as `?access_token=`. */
export interface StreamToken {
  token: string;
  /** Null as long as the task has not ended. */
  expires_at: string | null;
}

export interface ErrorBody {
  error: {
    code: string;
    message: string;
    request_id: string;
    details?: { path: string; message: string }[] | Record<string, unknown>;
  };
}
