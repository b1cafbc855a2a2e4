import { getClient } from '@temporalio/activity';
import { createRunClient } from '../runs/run-client.ts';
import { createBeginTask, type BeginTaskDeps } from './begin-task.ts';
import { createCallModel, type CallModelDeps } from './call-model.ts';
import { confirming } from './confirm-log.ts';
import { createFinishTask, createFlushLog } from './finish-task.ts';
import { createRunTool, type RunToolDeps } from './run-tool.ts';
import { createSweep, type SweepDeps } from './sweep.ts';
import type { Activities } from './types.ts';
import { withHeartbeat } from './with-heartbeat.ts';

export type ActivityDeps = Omit<BeginTaskDeps & CallModelDeps & RunToolDeps & SweepDeps, 'runs'>;

/** All activities of a worker, with what they work on closed in. */
export function createActivities(given: ActivityDeps): Activities {
  const { relay, taskQueue } = given;
  const deps = { ...given, runs: createRunClient({ client: getClient, taskQueue }) };
  return {
    beginTask: withHeartbeat(createBeginTask(deps)),
    callModel: confirming(relay, createCallModel(deps), (call) => ({ ...call, through: call.seq })),
    runTool: confirming(relay, createRunTool(deps), ({ log }) => log ?? null),
    flushLog: confirming(relay, withHeartbeat(createFlushLog(deps)), (log) => log),
    finishTask: confirming(relay, withHeartbeat(createFinishTask(deps)), (log) => log),
    sweep: createSweep(deps),
  };
}
