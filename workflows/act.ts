import type { ToolCall } from '../activities/models/model.ts';
import type { RunPlan, ToolResult } from '../activities/types.ts';
import { callKey } from '../contract/names.ts';
import { toolFailure } from './activity-failures.ts';
import { runTool } from './activity-proxies.ts';
import { awaitApproval } from './await-approval.ts';
import { awaitChildren } from './await-children.ts';
import { logNews } from './children.ts';
import { append, logSoFar, type RunState } from './run-state.ts';
import { startChildren } from './start-children.ts';

/** Carries out a step's calls at once; their results enter the log in call order. */
export async function act(run: RunState, plan: RunPlan, calls: ToolCall[]): Promise<ToolResult[]> {
  const { step } = run;
  run.phase = 'tools';
  run.tool = calls[0]?.name ?? null;
  for (const call of calls) {
    append(run, 'turn.tool_call', {
      step,
      call_id: call.callId,
      name: call.name,
      arguments: call.arguments,
    });
  }
  const results: ToolResult[] = [];
  let logged = 0;
  await Promise.all(
    calls.map(async (call, index) => {
      results[index] = await carryOut(run, plan, call);
      for (let result = results[logged]; result; result = results[logged]) {
        const { output, is_error, truncated } = result;
        const { callId: call_id } = calls[logged] as ToolCall;
        logged += 1;
        append(run, 'turn.tool_result', {
          step,
          call_id,
          output,
          is_error,
          ...(truncated ? { truncated } : {}),
        });
      }
    }),
  );
  run.tool = null;
  return results;
}

/** A call always has a result, a cancelled one too: the loop looks at the cancel before the next step. */
async function carryOut(run: RunState, plan: RunPlan, call: ToolCall): Promise<ToolResult> {
  const { taskId, step } = run;
  const key = callKey({ taskId, step, callId: call.callId });
  run.emitted.set(key, 0);
  try {
    const policy = plan.tools.find(({ name }) => name === call.name);
    const refusal = await awaitApproval(run, policy, call);
    if (refusal) return refusal;
    const log = logSoFar(run);
    const { spawned, wait, ...result } = await runTool(plan, {
      taskId,
      step,
      agent: plan.agent,
      call,
      log,
    });
    if (spawned) await startChildren(run, { callId: call.callId, spawned, wait });
    return wait ? await awaitChildren(run, wait) : result;
  } catch (error) {
    return { output: toolFailure(error), is_error: true };
  } finally {
    run.emitted.delete(key);
    logNews(run);
  }
}
