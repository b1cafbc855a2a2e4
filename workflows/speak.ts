import { CancellationScope, CancelledFailure, isCancellation, sleep } from '@temporalio/workflow';
import type { ModelCall, ModelTurn, RunPlan } from '../activities/types.ts';
import type { Partial } from '../contract/frames.ts';
import { NO_USAGE } from '../contract/task.ts';
import { attemptFailure, type AttemptFailure } from './activity-failures.ts';
import { callModel } from './activity-proxies.ts';
import { failed, type Outcome } from './outcome.ts';
import type { RunState } from './run-state.ts';
import { failAttempt, interruptStep } from './steps.ts';

/** Longest wait between two attempts that we choose ourselves; a provider's `Retry-After` may be longer. */
const MAX_BACKOFF_MS = 30_000;

/** Attempts one step until the model has spoken, or the run ends over it. */
export async function speak(run: RunState, plan: RunPlan): Promise<ModelTurn | Outcome> {
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
    await sleep(delayMs, { summary: `before attempt ${run.attempt + 1} of step ${run.step}` });
  } catch (error) {
    if (isCancellation(error)) interruptStep(run, null);
    throw error;
  }
}

function modelCall(run: RunState, plan: RunPlan): ModelCall {
  const { taskId, lastSeq: seq, digest, step, attempt } = run;
  const { agent, model, conversation, sources } = plan;
  return {
    taskId,
    seq,
    digest,
    step,
    attempt,
    agent,
    model,
    conversation,
    ...(sources && { sources }),
    tokensLeft: tokensLeft(run, plan),
  };
}

/** What an attempt said, as the log's rules take it. */
export function partialOf(
  run: RunState,
  said: Pick<ModelTurn, 'blocks' | 'usage' | 'tool_call_begun'>,
): Partial {
  const { blocks, usage, tool_call_begun } = said;
  const begun = tool_call_begun ? { tool_call_begun } : {};
  return { seq: run.lastSeq, step: run.step, attempt: run.attempt, blocks, usage, ...begun };
}

/** Tokens that the run may still use. */
export function tokensLeft(run: RunState, plan: RunPlan): number {
  return plan.maxTokens - run.usage.input_tokens - run.usage.output_tokens;
}

export function outOfBudget(plan: RunPlan): Outcome {
  return failed('budget_exceeded', `The run used up its ${plan.maxTokens} tokens.`);
}
