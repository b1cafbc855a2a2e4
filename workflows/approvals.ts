import type { ToolCall } from '../activities/models/model.ts';
import type { ApprovalDecision, RunRefusal } from '../contract/run-messages.ts';
import { append, type Approval, type RunState } from './run-state.ts';

/** An approval that was decided is known among the last so many. */
const MAX_DECIDED = 100;

/** From now on somebody may decide on the call. */
export function requestApproval(run: RunState, call: ToolCall, id: string): Approval {
  const { step } = run;
  const { callId, name } = call;
  const approval: Approval = { id, step, callId, decision: null };
  run.approvals.push(approval);
  append(run, 'approval.requested', { approval_id: id, step, call_id: callId, name });
  return approval;
}

/** Why the run does not take the decision, or null. */
export function decisionRefusal(
  run: RunState,
  { approvalId }: ApprovalDecision,
): RunRefusal | null {
  if (run.approvals.some(({ id }) => id === approvalId)) return null;
  if (run.decided.includes(approvalId))
    return { code: 'approval_resolved', message: 'The approval has been decided already.' };
  return { code: 'approval_not_found', message: 'The task has no such approval.' };
}

/** The first decision counts: a later one changes nothing. Gives its place in the log. */
export function decide(run: RunState, { approvalId, approved, reason }: ApprovalDecision): number {
  const approval = run.approvals.find(({ id }) => id === approvalId);
  if (!approval) return run.lastSeq;
  const { step, callId: call_id } = approval;
  approval.decision = { approved, reason };
  run.approvals = run.approvals.filter((other) => other !== approval);
  run.decided = [...run.decided, approvalId].slice(-MAX_DECIDED);
  append(run, 'approval.resolved', { approval_id: approvalId, step, call_id, approved, reason });
  return run.lastSeq;
}
