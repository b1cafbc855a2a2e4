import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { RunPlan } from '../activities/types.ts';
import type { TaskToolCall } from '../contract/task.ts';
import { act } from './act.ts';
import { failed, type Outcome } from './outcome.ts';
import type { RunState } from './run-state.ts';

/** The call of a `tool_run` has no model that gave it an id. */
const CALL_ID = 'call';

/** Carries out the one call that a task of type `tool_run` consists of. */
export async function useTool(run: RunState, plan: RunPlan, call: TaskToolCall): Promise<Outcome> {
  run.step = 1;
  const [result] = await act(run, plan, [{ callId: CALL_ID, ...call }]);
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('The run was cancelled.');
  if (!result?.is_error) return { kind: 'completed' };
  const { output } = result;
  return failed('tool_error', typeof output === 'string' ? output : JSON.stringify(output));
}
