import { CancellationScope, condition } from '@temporalio/workflow';
import type { ToolCall } from '../activities/models/model.ts';
import type { RunPlan, ToolResult } from '../activities/types.ts';
import { callKey } from '../contract/names.ts';
import { toolFailure } from './activity-failures.ts';
import { runTool } from './activity-proxies.ts';
import { awaitApproval } from './await-approval.ts';
import { awaitChildren, beginWait } from './await-children.ts';
import { logNews } from './children.ts';
import { historyIsFull } from './history-is-full.ts';
import { append, logSoFar, type RunState } from './run-state.ts';
import { startChildren } from './start-children.ts';
import { canBeCarried, isOpen, type StepCall } from './step-calls.ts';

/** The current step makes these calls. */
export function beginCalls(run: RunState, calls: readonly ToolCall[]): void {
  const { step } = run;
  run.phase = 'tools';
  run.calls = calls.map((call) => ({ call }));
  for (const { callId: call_id, name, arguments: args } of calls)
    append(run, 'turn.tool_call', { step, call_id, name, arguments: args });
}

/**
 * Carries out the step's calls at once; their results enter the log in call order. Null: history is full, and the next workflow
 * run goes on with those that wait.
 */
export async function act(run: RunState, plan: RunPlan): Promise<ToolResult[] | null> {
  const done = Promise.all(run.calls.filter(isOpen).map((call) => carryOut(run, plan, call)));
  const canLeave = () => historyIsFull(plan) && canBeCarried(run.calls);
  while (run.calls.some(isOpen)) {
    run.leaving = canLeave();
    if (run.leaving) return null;
    const untilOver = () => condition(() => canLeave() || !run.calls.some(isOpen));
    await Promise.race([done, CancellationScope.nonCancellable(untilOver)]);
  }
  const results = run.calls.map(({ result }) => result as ToolResult);
  run.calls = [];
  return results;
}

/** A call always has a result, a cancelled one too: the loop looks at the cancel before the next step. */
async function carryOut(run: RunState, plan: RunPlan, call: StepCall): Promise<void> {
  try {
    takeResult(run, call, await resultOf(run, plan, call));
  } catch (error) {
    takeResult(run, call, { output: toolFailure(error), is_error: true });
  }
}

/** Goes on from where the call stood in the workflow run before, if there it waited. */
async function resultOf(run: RunState, plan: RunPlan, waiting: StepCall): Promise<ToolResult> {
  const { call } = waiting;
  const policy = plan.tools.find(({ name }) => name === call.name);
  const refusal = await awaitApproval(run, policy, waiting);
  if (refusal) return refusal;
  if (!waiting.wait) {
    // The next workflow run makes it.
    if (run.leaving) await condition(() => !run.leaving);
    const { wait, ...result } = await make(run, plan, call);
    if (!wait) return result;
    waiting.wait = beginWait(run, wait);
  }
  return awaitChildren(run, waiting.wait);
}

/** Carries out the call's tool, and starts what it has put into the record. */
async function make(
  run: RunState,
  plan: RunPlan,
  call: ToolCall,
): Promise<Omit<ToolResult, 'spawned'>> {
  const { taskId, step } = run;
  const { callId } = call;
  const key = callKey({ taskId, step, callId });
  run.emitted.set(key, 0);
  try {
    const log = logSoFar(run);
    const made = await runTool(plan, { taskId, step, agent: plan.agent, call, log });
    const { spawned, ...result } = made;
    if (spawned) await startChildren(run, { callId, spawned, wait: result.wait });
    return result;
  } finally {
    run.emitted.delete(key);
    logNews(run);
  }
}

/** A result enters the log behind those of the calls before it. */
function takeResult(run: RunState, call: StepCall, result: ToolResult): void {
  const first = run.calls.findIndex(isOpen);
  call.result = result;
  if (run.calls[first] !== call) return;
  for (const { call, result } of run.calls.slice(first)) {
    if (!result) return;
    const { output, is_error, truncated } = result;
    append(run, 'turn.tool_result', {
      step: run.step,
      call_id: call.callId,
      output,
      is_error,
      ...(truncated ? { truncated } : {}),
    });
  }
}
