import { uuid4 } from '@temporalio/workflow';
import type { ToolPolicy, ToolResult } from '../activities/types.ts';
import { decide, requestApproval } from './approvals.ts';
import { conditionBy } from './condition-by.ts';
import type { RunState } from './run-state.ts';
import type { Approval, StepCall } from './step-calls.ts';

/** What the model is told of a call that was not approved, or null: it may be made. */
export async function awaitApproval(
  run: RunState,
  policy: ToolPolicy | undefined,
  call: StepCall,
): Promise<ToolResult | null> {
  if (!policy?.needsApproval) return null;
  const { approvalTimeoutMs: timeoutMs } = policy;
  const approval =
    call.approval ?? requestApproval(run, call, { id: `appr_${uuid4()}`, timeoutMs });
  if (!approval.decision) await untilDecided(run, approval, timeoutMs);
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
  try {
    const isDecided = () => approval.decision !== null;
    if (!(await conditionBy(isDecided, approval.deadline)))
      refuse(`nobody has decided within ${timeoutMs} ms`);
  } catch (error) {
    refuse('the run was stopped');
    throw error;
  }
}
