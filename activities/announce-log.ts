import { Context } from '@temporalio/activity';
import type { Relay } from '../relay/relay.ts';
import type { HeldLogs } from './held-logs.ts';
import type { LogSoFar } from './types.ts';

export interface AnnounceDeps {
  relay: Relay;
  logs: HeldLogs;
}

/**
 * Tells readers what the run's log has grown by, before the activity does its work. An activity runs only once Temporal has
 * accepted the workflow task that scheduled it, so what was appended by then stays; what a workflow task has appended
 * that is still under way may be lost with it, and readers must not have seen it.
 */
export function announceLog({ relay, logs }: AnnounceDeps, log: LogSoFar): void {
  const { taskId, through, digest } = log;
  const runId = Context.current().info.workflowExecution?.runId;
  const events = logs.readNews(runId ?? '', digest);
  if (events === null) relay.publish(taskId, { kind: 'log', lastSeq: through, runId });
  else if (events.length > 0) relay.publish(taskId, { kind: 'entries', events, runId });
}

/** An activity that announces first. `logOf`: null where a run of 0.1.0 does not tell. */
export function announcing<I, R>(
  deps: AnnounceDeps,
  activity: (input: I) => Promise<R>,
  logOf: (input: I) => LogSoFar | null,
): (input: I) => Promise<R> {
  return (input) => {
    const log = logOf(input);
    if (log) announceLog(deps, log);
    return activity(input);
  };
}
