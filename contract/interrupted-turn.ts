import { isStepEntry, type EventData, type LogEvent } from './events.ts';
import type { Partial } from './frames.ts';
import { NO_USAGE } from './task.ts';
import { textOf } from './text.ts';

/**
 * What is left of a step that was cut off, or null where no step is open. Readers see the newest attempt that spoke, so that
 * is what is kept: an attempt that was cut off before its first word does not take back what an earlier one had said.
 * `partial`: the attempt that was under way, or null where none was or nothing is known of it.
 */
export function interruptedTurn(
  log: readonly LogEvent[],
  partial: Partial | null,
): EventData['turn.interrupted'] | null {
  const step = openStep(log) ?? partial?.step;
  if (step === undefined) return null;
  const spoken = log.findLast(
    (event) =>
      event.type === 'turn.attempt_failed' &&
      event.data.step === step &&
      event.data.blocks.length > 0,
  );
  const earlier = spoken?.type === 'turn.attempt_failed' ? spoken.data : undefined;
  const kept = partial && partial.blocks.length > 0 ? partial : (earlier ?? partial);
  const blocks = kept?.blocks ?? [];
  return {
    step,
    attempt: kept?.attempt ?? 1,
    blocks,
    text: textOf(blocks),
    usage: partial?.usage ?? NO_USAGE,
    ...(kept?.tool_call_begun ? { tool_call_begun: true } : {}),
  };
}

/** The step that has begun and has no entry of its own yet. */
function openStep(log: readonly LogEvent[]): number | undefined {
  const last = log.findLast((event) => event.type === 'turn.started' || isStepEntry(event));
  return last?.type === 'turn.started' ? last.data.step : undefined;
}
