import type { ToolCall } from '../activities/models/model.ts';
import type { ToolResult } from '../activities/types.ts';
import type { WaitOrder } from '../contract/children.ts';
import type { ApprovalDecision, RunProgress } from '../contract/run-messages.ts';

/** A call of the current step, as far as it has come. It is plain data: while it waits it can be carried over continue-as-new. */
export interface StepCall {
  readonly call: ToolCall;
  /** Left out: it needs none, or has not asked yet. */
  approval?: Approval;
  /** What it waits for, once its tool has been carried out. */
  wait?: Wait;
  result?: ToolResult;
}

/** The word that a call waits for, or has waited for. */
export interface Approval {
  readonly id: string;
  /** Milliseconds since the epoch; left out: as long as the run has time. */
  readonly deadline?: number;
  decision: Omit<ApprovalDecision, 'approvalId'> | null;
}

/** A `WaitOrder` that is being carried out: it names all tasks that it is for. `deadline`: milliseconds since the epoch. */
export type Wait =
  | Extract<WaitOrder, { kind: 'result' }>
  | {
      kind: 'tasks';
      task_ids: string[];
      until: 'all' | 'any';
      deadline?: number;
    };

/** Most UTF-16 units of JSON of the calls that are carried over. A payload holds 2 MB, and a unit has at most three bytes. */
const MAX_CARRIED_LENGTH = 512 * 1024;

/** The tool that the first of the calls is for, while they are carried out; otherwise null. */
export function firstTool(run: {
  phase: RunProgress['phase'];
  calls: readonly StepCall[];
}): string | null {
  return run.phase === 'tools' ? (run.calls[0]?.call.name ?? null) : null;
}

/** The call has no result yet. */
export function isOpen({ result }: StepCall): boolean {
  return result === undefined;
}

/** Nothing is at work for these calls: those that are open wait for something from outside, here or in another workflow run. */
export function canBeCarried(calls: readonly StepCall[]): boolean {
  return (
    calls.every(({ approval, wait, result }) => result ?? wait ?? approval?.decision === null) &&
    JSON.stringify(calls).length <= MAX_CARRIED_LENGTH
  );
}
