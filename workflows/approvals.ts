import type { ApprovalDecision, RunRefusal } from '../contract/run-messages.ts';
import { append, type RunState } from './run-state.ts';
import type { Approval, StepCall } from './step-calls.ts';

/** An approval that was decided is known among the last so many. */
const MAX_DECIDED = 100;

/** From now on somebody may decide on the call. */
export function requestApproval(
  run: RunState,
  open: StepCall,
  { id, timeoutMs }: { id: string; timeoutMs: number | undefined },
): Approval {
  const { step } = run;
  const { callId, name } = open.call;
  const deadline = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  open.approval = { id, ...deadline, decision: null };
  append(run, 'approval.requested', { approval_id: id, step, call_id: callId, name });
  return open.approval;
}

/** Those of the current step that nobody has decided on. */
export function pendingApprovals({ calls }: RunState): Approval[] {
  return calls.flatMap(({ approval }) => (approval?.decision === null ? [approval] : []));
}

/** Why the run does not take the decision, or null. */
export function decisionRefusal(
  run: RunState,
  { approvalId }: ApprovalDecision,
): RunRefusal | null {
  if (pendingApprovals(run).some(({ id }) => id === approvalId)) return null;
  if (run.decided.includes(approvalId))
    return { code: 'approval_resolved', message: 'The approval has been decided already.' };
  return { code: 'approval_not_found', message: 'The task has no such approval.' };
}

/** The first decision counts: a later one changes nothing. Gives its place in the log. */
export function decide(run: RunState, { approvalId, approved, reason }: ApprovalDecision): number {
  const decided = run.calls.find(({ approval }) => approval?.id === approvalId);
  if (decided?.approval?.decision !== null) return run.lastSeq;
  const { step } = run;
  const { callId: call_id } = decided.call;
  decided.approval.decision = { approved, reason };
  run.decided = [...run.decided, approvalId].slice(-MAX_DECIDED);
  append(run, 'approval.resolved', { approval_id: approvalId, step, call_id, approved, reason });
  return run.lastSeq;
}
