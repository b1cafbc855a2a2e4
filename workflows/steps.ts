import type { Partial } from '../contract/frames.ts';
import { interruptedTurn } from '../contract/interrupted-turn.ts';
import { addUsage } from '../contract/task.ts';
import { textOf } from '../contract/text.ts';
import { append, type RunState } from './run-state.ts';

/** From now on the run is in its next step, which reads what was written to it before. */
export function startStep(run: RunState): void {
  run.step += 1;
  run.attempt = 0;
  run.unread = [];
  append(run, 'turn.started', { step: run.step });
}

/** Logs an attempt that failed and will be followed by another. */
export function failAttempt(
  run: RunState,
  failed: { partial: Partial; reason: string; retryInMs: number },
): void {
  const { step, attempt, blocks, usage, tool_call_begun } = failed.partial;
  const begun = tool_call_begun ? { tool_call_begun } : {};
  run.usage = addUsage(run.usage, usage);
  const { reason, retryInMs: retry_in_ms } = failed;
  append(run, 'turn.attempt_failed', {
    step,
    attempt,
    blocks,
    reason,
    usage,
    ...begun,
    retry_in_ms,
  });
}

/** Logs the whole of what a step said, as thinking aloud or as the answer, behind which nothing is taken any more. */
export function endStep(
  run: RunState,
  type: 'turn.thinking' | 'turn.final_answer',
  said: Pick<Partial, 'blocks' | 'usage'>,
): void {
  const { blocks, usage } = said;
  run.usage = addUsage(run.usage, usage);
  const data = { step: run.step, attempt: run.attempt, blocks, text: textOf(blocks), usage };
  append(run, type, data);
  if (type === 'turn.final_answer') run.inbox.open = false;
}

/** Logs what is left of the current step, if one is open. `partial`: the attempt that was under way, or null. */
export function interruptStep(run: RunState, partial: Partial | null): void {
  const left = interruptedTurn(run.log, partial);
  if (!left) return;
  run.usage = addUsage(run.usage, left.usage);
  append(run, 'turn.interrupted', left);
}
