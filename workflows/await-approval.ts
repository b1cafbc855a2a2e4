import { condition, uuid4 } from '@temporalio/workflow';
import type { ToolCall } from '../activities/models/model.ts';
import type { ToolPolicy, ToolResult } from '../activities/types.ts';
import { decide, requestApproval } from './approvals.ts';
import type { Approval, RunState } from './run-state.ts';

/** What the model is told of a call that was not approved, or null: it may be made. */
export async function awaitApproval(
  run: RunState,
  policy: ToolPolicy | undefined,
  call: ToolCall,
): Promise<ToolResult | null> {
  if (!policy?.needsApproval) return null;
  const approval = requestApproval(run, call, `appr_${uuid4()}`);
  await untilDecided(run, approval, policy.approvalTimeoutMs);
  if (approval.decision?.approved) return null;
  const reason = approval.decision?.reason;
  return { output: `The call was not approved${reason ? `: ${reason}` : '.'}`, is_error: true };
}

/** Nobody's word within the time, or before the run is stopped, is a refusal. */
async function untilDecided(
  run: RunState,
  approval: Approval,
  timeoutMs: number | undefined,
): Promise<void> {
  const refuse = (reason: string) =>
    decide(run, { approvalId: approval.id, approved: false, reason });
  const isDecided = () => approval.decision !== null;
  try {
    if (timeoutMs === undefined) await condition(isDecided);
    else if (!(await condition(isDecided, timeoutMs)))
      refuse(`nobody has decided within ${timeoutMs} ms`);
  } catch (error) {
    refuse('the run was stopped');
    throw error;
  }
}
