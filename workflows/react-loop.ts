import {
  CancellationScope,
  CancelledFailure,
  isCancellation,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ToolCall } from '../activities/models/model.ts';
import type { ModelCall, ModelTurn, RunPlan, ToolResult } from '../activities/types.ts';
import type { Partial } from '../contract/frames.ts';
import { NO_USAGE } from '../contract/task.ts';
import { textOf } from '../contract/text.ts';
import { attemptFailure, toolFailure, type AttemptFailure } from './activity-failures.ts';
import { callModel, runTool } from './activity-proxies.ts';
import { failed, type Outcome } from './outcome.ts';
import {
  append,
  endStep,
  failAttempt,
  interruptStep,
  startStep,
  type RunState,
} from './run-state.ts';

/** Steps in a row that made no sense, after which the run gives up. */
const MAX_NONSENSE = 3;

/** Longest wait between two attempts that we choose ourselves; a provider's `Retry-After` may be longer. */
const MAX_BACKOFF_MS = 30_000;

/** Thinks and acts, step by step, until the run has an outcome or its history is full. */
export async function react(run: RunState, plan: RunPlan): Promise<Outcome | 'history_full'> {
  for (;;) {
    if (CancellationScope.current().consideredCancelled)
      throw new CancelledFailure('The run was cancelled.');
    if (historyIsFull(plan)) return 'history_full';
    if (tokensLeft(run, plan) <= 0) return outOfBudget(plan);
    startStep(run);
    const turn = await speak(run, plan);
    if ('kind' in turn) return turn;
    if (turn.calls.length === 0 && textOf(turn.blocks) !== '') {
      endStep(run, 'turn.final_answer', turn);
      return { kind: 'completed' };
    }
    if (run.step >= plan.maxSteps) {
      interruptStep(run, partialOf(run, turn));
      return failed('max_steps_exceeded', `No answer was reached within ${plan.maxSteps} steps.`);
    }
    endStep(run, 'turn.thinking', turn);
    const results = await act(run, plan, turn.calls);
    const sensible = results.length > 0 && !results.some((result) => result.nonsense);
    run.nonsense = sensible ? 0 : run.nonsense + 1;
    if (run.nonsense >= MAX_NONSENSE) return failed('model_error', complaint(results));
  }
}

/** Attempts one step until the model has spoken, or the run ends over it. */
async function speak(run: RunState, plan: RunPlan): Promise<ModelTurn | Outcome> {
  for (let failures = 0; ;) {
    run.attempt += 1;
    run.phase = 'model';
    try {
      const turn = await callModel(plan, modelCall(run, plan));
      if (!turn.stopped) return turn;
      interruptStep(run, partialOf(run, turn));
      return turn.stopped === 'cancelled' ? { kind: 'cancelled' } : outOfBudget(plan);
    } catch (error) {
      const failure = attemptFailure(error);
      if (failure.kind === 'cancelled' || CancellationScope.current().consideredCancelled) {
        interruptStep(run, failure.partial);
        throw new CancelledFailure('The step was cancelled.');
      }
      if (failure.kind === 'provider') failures += 1;
      const retryInMs = retryDelayMs(failure, plan, failures);
      if (retryInMs === null) {
        interruptStep(run, failure.partial);
        return failed(failure.kind === 'internal' ? 'internal' : 'model_error', failure.reason);
      }
      const partial = failure.partial ?? partialOf(run, { blocks: [], usage: NO_USAGE });
      failAttempt(run, { partial, reason: failure.reason, retryInMs });
      await backOff(run, retryInMs);
    }
  }
}

/** Milliseconds until the next attempt, or null where none may follow. */
function retryDelayMs(
  failure: Exclude<AttemptFailure, { kind: 'cancelled' }>,
  plan: RunPlan,
  failures: number,
): number | null {
  switch (failure.kind) {
    case 'worker_lost':
      return 0;
    case 'internal':
      return null;
    case 'provider':
      if (!failure.retryable || failures >= plan.maxAttempts) return null;
      return (
        failure.retryAfterMs ?? Math.min(plan.retryBaseMs * 2 ** (failures - 1), MAX_BACKOFF_MS)
      );
  }
}

async function backOff(run: RunState, delayMs: number): Promise<void> {
  if (delayMs === 0) return;
  run.phase = 'backoff';
  try {
    await sleep(delayMs);
  } catch (error) {
    if (isCancellation(error)) interruptStep(run, null);
    throw error;
  }
}

/** Carries out a step's calls at once; their results enter the log in call order. */
async function act(run: RunState, plan: RunPlan, calls: ToolCall[]): Promise<ToolResult[]> {
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
  try {
    return await runTool(plan, { taskId: run.taskId, step: run.step, agent: plan.agent, call });
  } catch (error) {
    return { output: toolFailure(error), is_error: true };
  }
}

function modelCall(run: RunState, plan: RunPlan): ModelCall {
  const { taskId, lastSeq: seq, step, attempt } = run;
  const { agent, model, conversation } = plan;
  return {
    taskId,
    seq,
    step,
    attempt,
    agent,
    model,
    conversation,
    tokensLeft: tokensLeft(run, plan),
  };
}

function partialOf(
  run: RunState,
  said: Pick<ModelTurn, 'blocks' | 'usage' | 'tool_call_begun'>,
): Partial {
  const { blocks, usage, tool_call_begun } = said;
  const begun = tool_call_begun ? { tool_call_begun } : {};
  return { seq: run.lastSeq, step: run.step, attempt: run.attempt, blocks, usage, ...begun };
}

function tokensLeft(run: RunState, plan: RunPlan): number {
  return plan.maxTokens - run.usage.input_tokens - run.usage.output_tokens;
}

function outOfBudget(plan: RunPlan): Outcome {
  return failed('budget_exceeded', `The run used up its ${plan.maxTokens} tokens.`);
}

function complaint(results: ToolResult[]): string {
  const last = results.find((result) => result.nonsense)?.output ?? 'it said nothing at all';
  return `The model made no sense in ${MAX_NONSENSE} steps in a row; in the last one: ${String(last)}`;
}

function historyIsFull(plan: RunPlan): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > plan.maxHistoryEvents;
}
