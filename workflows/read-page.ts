import { isTerminalEvent, type LogEvent } from '../contract/events.ts';
import type { EventsPage, EventsRequest } from '../contract/run-messages.ts';
import { pendingApprovals } from './approvals.ts';
import type { RunState } from './run-state.ts';
import { firstTool } from './step-calls.ts';

/** Answers the events query. Sizes are UTF-16 lengths of JSON, a fair guess of its bytes. */
export function readPage(
  run: RunState,
  { after, maxBytes }: EventsRequest,
): Omit<EventsPage, 'runId'> {
  const { firstSeq, lastSeq, digest, step, attempt, phase, usage } = run;
  const events: LogEvent[] = [];
  let size = 0;
  for (let index = Math.max(after + 1 - firstSeq, 0); index < run.log.length; index += 1) {
    const event = run.log[index] as LogEvent;
    size += JSON.stringify(event).length;
    if (events.length > 0 && size > maxBytes) break;
    events.push(event);
  }
  const last = run.log.at(-1);
  const pending_approvals = pendingApprovals(run).map(({ id }) => id);
  const tool = firstTool(run);
  return {
    events: after + 1 < firstSeq ? [] : events,
    firstSeq,
    lastSeq,
    digest,
    terminal: last !== undefined && isTerminalEvent(last),
    state: { step, attempt, phase, tool, pending_approvals, usage },
  };
}
