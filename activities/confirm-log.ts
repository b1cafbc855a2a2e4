import { Context } from '@temporalio/activity';
import type { Relay } from '../relay/relay.ts';
import type { LogSoFar } from './types.ts';

/**
 * An activity that first tells readers that they may be shown the log so far: it runs only once Temporal has accepted the
 * workflow task that scheduled it, so what was written by then stays. What a workflow task has written that is still
 * under way may be lost with it. `logOf`: null where a run of 0.1.0 does not tell.
 */
export function confirming<Input, Result>(
  relay: Relay,
  activity: (input: Input) => Promise<Result>,
  logOf: (input: Input) => LogSoFar | null,
): (input: Input) => Promise<Result> {
  return (input) => {
    const log = logOf(input);
    if (log) {
      const { taskId, through: lastSeq, digest } = log;
      const runId = Context.current().info.workflowExecution?.runId;
      relay.publish(taskId, { kind: 'log', lastSeq, digest, runId });
    }
    return activity(input);
  };
}
