import type { StartedChild, WaitOrder } from '../contract/children.ts';
import type { TerminalEvent } from '../contract/events.ts';
import type { FailureCode } from '../contract/failures.ts';
import type { TaskToolCall, Usage } from '../contract/task.ts';
import type { Block } from '../contract/text.ts';
import type { ToolCall } from './models/model.ts';

/** What the run needs to know of a tool; its code and schema stay with the activities. */
export interface ToolPolicy {
  name: string;
  idempotent: boolean;
  timeoutMs: number;
  /** Left out where it needs none, and by 0.1.0. */
  needsApproval?: true;
  /** Left out: as long as the run has time. */
  approvalTimeoutMs?: number;
}

/** The rules of one run, fixed when it begins. Times in milliseconds. */
export interface RunPlan {
  agent: string;
  /** `provider/id` of the model. */
  model: string;
  conversation: ConversationView | null;
  /** Left out where there are none. */
  sources?: SourceView;
  tools: ToolPolicy[];
  /** The task above, whose call may have started this one: its run is told what this one emits. Left out where there is none. */
  parent?: { taskId: string; callId?: string | undefined; name: string | null };
  /** All that a `tool_run` does; left out in an agent's run. */
  toolCall?: TaskToolCall;
  timeoutMs: number;
  maxSteps: number;
  /** Attempts of one step that a failing provider gets. */
  maxAttempts: number;
  /** First wait between two attempts; doubles, up to 30 s. */
  retryBaseMs: number;
  heartbeatTimeoutMs: number;
  /** Most tokens, in and out, that the run may use. */
  maxTokens: number;
  /** Events of workflow history after which the run continues as new. */
  maxHistoryEvents: number;
}

/** The part of its conversation that a run reads: the messages from `fromOrdinal` on, up to its own turn. */
export interface ConversationView {
  id: string;
  /** These two are turns; in runs of 0.1.0 every turn was the ordinal. */
  ordinal: number;
  fromOrdinal: number;
  /** Older turns that were left out because the model's context is too small. */
  omittedTurns: number;
}

/** Tasks that a run goes on from and reads from their records, oldest first. */
export interface SourceView {
  ids: string[];
  /** Older ones that were left out because the model's context is too small. */
  omittedTurns: number;
}

export interface BeginInput {
  taskId: string;
}
/** `lost`: the task had ended before (`terminal`), or is absent (null). */
export type BeginResult =
  /** `startedAt`: RFC 3339; left out by 0.1.0. */
  | { begun: true; plan: RunPlan; startedAt?: string | undefined }
  | { begun: false; terminal: TerminalEvent | null };

export interface ModelCall {
  taskId: string;
  /** Newest log entry: the attempt's text belongs behind it, and its prompt ends with it. */
  seq: number;
  /** As `LogSoFar.digest`. */
  digest?: string;
  step: number;
  attempt: number;
  agent: string;
  model: string;
  conversation: ConversationView | null;
  sources?: SourceView;
  /** Tokens that the run may still use. */
  tokensLeft: number;
}

/** What a model attempt said. */
export interface ModelTurn {
  blocks: Block[];
  calls: ToolCall[];
  usage: Usage;
  tool_call_begun?: true;
  /** Ended before the model was done: a cancel stands in the row, or the run's tokens are used up. */
  stopped?: 'cancelled' | 'budget_exceeded';
}

export interface ToolRun {
  taskId: string;
  step: number;
  agent: string;
  call: ToolCall;
  /** Left out by 0.1.0. */
  log?: LogSoFar;
}

export interface ToolResult {
  output: unknown;
  is_error: boolean;
  truncated?: true;
  /** The call made no sense: no such tool, or arguments that its schema refuses. */
  nonsense?: true;
  /** Tasks that the call has put into the record, and whose runs are to be started. */
  spawned?: SpawnedTask[];
  /** The call's result is to be waited for. */
  wait?: WaitOrder;
}

/** A task that a call has started. `start`: how its workflow is. */
export interface SpawnedTask extends Omit<StartedChild, 'step' | 'call_id' | 'background'> {
  start: ChildStart;
}

/** `workflow` is the name of its type; the rest are `ChildWorkflowOptions`. */
export interface ChildStart {
  workflow: string;
  workflowId: string;
  workflowIdReusePolicy: 'REJECT_DUPLICATE';
  args: [{ taskId: string }];
  staticSummary: string;
  searchAttributes: Record<string, string[]>;
}

/** A run's log up to its newest entry. It stays with the workflow, so that it does not go through history twice. */
export interface LogSoFar {
  taskId: string;
  through: number;
  /** Of what this workflow run has appended; left out by 0.1.0. */
  digest?: string;
}

export interface FinishInput extends LogSoFar {
  end:
    | { status: 'COMPLETED' }
    | { status: 'FAILED'; code: FailureCode; message: string; error: string };
}

/** All activities, as the workflows call them. */
export interface Activities {
  beginTask(input: BeginInput): Promise<BeginResult>;
  callModel(input: ModelCall): Promise<ModelTurn>;
  runTool(input: ToolRun): Promise<ToolResult>;
  flushLog(input: LogSoFar): Promise<void>;
  finishTask(input: FinishInput): Promise<TerminalEvent>;
  sweep(): Promise<void>;
}
