import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { RunPlan } from '../activities/types.ts';
import type { TaskToolCall } from '../contract/task.ts';
import { act, beginCalls } from './act.ts';
import { failed, type Outcome } from './outcome.ts';
import type { RunState } from './run-state.ts';

/** The call of a `tool_run` has no model that gave it an id. */
const CALL_ID = 'call';

/** Carries out the one call that a task of type `tool_run` consists of, unless history is full before it has ended. */
export async function useTool(
  run: RunState,
  plan: RunPlan,
  call: TaskToolCall,
): Promise<Outcome | 'history_full'> {
  if (run.step === 0) {
    run.step = 1;
    beginCalls(run, [{ callId: CALL_ID, ...call }]);
  }
  const results = await act(run, plan);
  if (!results) return 'history_full';
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('The run was cancelled.');
  const [result] = results;
  if (!result?.is_error) return { kind: 'completed' };
  const { output } = result;
  return failed('tool_error', typeof output === 'string' ? output : JSON.stringify(output));
}
