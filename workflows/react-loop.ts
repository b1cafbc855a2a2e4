import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { RunPlan, ToolResult } from '../activities/types.ts';
import { textOf } from '../contract/text.ts';
import { act, beginCalls } from './act.ts';
import { historyIsFull } from './history-is-full.ts';
import { failed, type Outcome } from './outcome.ts';
import type { RunState } from './run-state.ts';
import { outOfBudget, partialOf, speak, tokensLeft } from './speak.ts';
import { endStep, interruptStep, startStep } from './steps.ts';

/** Steps in a row that made no sense, after which the run gives up. */
const MAX_NONSENSE = 3;

/** Thinks and acts, step by step, until the run has an outcome or its history is full. */
export async function react(run: RunState, plan: RunPlan): Promise<Outcome | 'history_full'> {
  if (run.calls.length > 0) {
    // Of a step in which the workflow run before this one has ended.
    const end = await callTools(run, plan);
    if (end) return end;
  }
  for (;;) {
    if (CancellationScope.current().consideredCancelled)
      throw new CancelledFailure('The run was cancelled.');
    if (historyIsFull(plan)) return 'history_full';
    if (tokensLeft(run, plan) <= 0) return outOfBudget(plan);
    startStep(run);
    const turn = await speak(run, plan);
    if ('kind' in turn) return turn;
    const isAnswer = turn.calls.length === 0 && textOf(turn.blocks) !== '';
    if (isAnswer && run.unread.length === 0) {
      endStep(run, 'turn.final_answer', turn);
      return { kind: 'completed' };
    }
    // Somebody has written meanwhile: one more step reads it, whatever the limit.
    if (isAnswer) run.extraSteps += 1;
    if (run.step >= plan.maxSteps + run.extraSteps) {
      interruptStep(run, partialOf(run, turn));
      return failed('max_steps_exceeded', `No answer was reached within ${plan.maxSteps} steps.`);
    }
    endStep(run, 'turn.thinking', turn);
    if (isAnswer) {
      run.nonsense = 0;
      continue;
    }
    beginCalls(run, turn.calls);
    const end = await callTools(run, plan);
    if (end) return end;
  }
}

/** Carries out the step's calls. Gives the end of the run, where they make one. */
async function callTools(run: RunState, plan: RunPlan): Promise<Outcome | 'history_full' | null> {
  const results = await act(run, plan);
  if (!results) return 'history_full';
  const sensible = results.length > 0 && !results.some(({ nonsense }) => nonsense);
  run.nonsense = sensible ? 0 : run.nonsense + 1;
  return run.nonsense < MAX_NONSENSE ? null : failed('model_error', complaint(results));
}

function complaint(results: ToolResult[]): string {
  const last = results.find((result) => result.nonsense)?.output ?? 'it said nothing at all';
  return `The model made no sense in ${MAX_NONSENSE} steps in a row; in the last one: ${String(last)}`;
}
