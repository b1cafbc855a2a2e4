import { isStepEntry } from '../contract/events.ts';
import { textOf } from '../contract/text.ts';
import { pendingApprovals } from './approvals.ts';
import type { RunState } from './run-state.ts';
import { firstTool } from './step-calls.ts';

/** Longest tail of the last finished step that is shown, in UTF-16 units. */
const TAIL = 600;

/** The run's current details for the Web UI, as Markdown. */
export function describeRun(run: RunState): string {
  const { step, attempt, phase, usage, lastSeq } = run;
  const tool = firstTool(run);
  const approvals = pendingApprovals(run);
  const children = Object.values(run.children);
  const atWork = children.filter(({ ended }) => ended === undefined);
  const last = run.log.findLast((event) => isStepEntry(event));
  const tail = last ? textOf(last.data.blocks).slice(-TAIL).toWellFormed() : '';
  return [
    `**Step ${step}**, attempt ${attempt}: ${phase}${tool ? ` (${tool})` : ''}`,
    `Tokens: ${usage.input_tokens} in, ${usage.output_tokens} out${usage.estimated ? ' (estimated)' : ''}; log entries: ${lastSeq}`,
    ...(approvals.length > 0 ? [`Calls that wait for approval: ${approvals.length}`] : []),
    ...(children.length > 0
      ? [`Tasks below: ${children.length}, ${atWork.length} of them at work`]
      : []),
    ...(tail ? ['', '---', '', tail] : []),
  ].join('\n');
}
