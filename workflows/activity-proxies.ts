import {
  ActivityCancellationType,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Activities, LogSoFar, RunPlan, ToolPolicy } from '../activities/types.ts';

/** Short activities that only talk to the store: tried until they work, because a run cannot go on without them. */
const ON_STORE = {
  startToCloseTimeout: '30 seconds',
  // They heartbeat, so that a worker that is killed in one of them is noticed as soon as in a model call.
  heartbeatTimeout: '5 seconds',
  retry: {
    initialInterval: '200 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '5 seconds',
    // The task was forgotten: there is nothing left to store.
    nonRetryableErrorTypes: ['TaskAbsent'],
  },
} satisfies ActivityOptions;

const onStore = proxyActivities<Activities>(ON_STORE);

/**
 * One short statement, carried out within the first workflow task: the model is called a round trip to the server and two
 * workflow tasks sooner. Only for a moment, because it holds a place that the workflow tasks of other runs need.
 */
const inWorkflowTask = proxyLocalActivities<Activities>({
  scheduleToCloseTimeout: '5 seconds',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: { ...ON_STORE.retry, maximumAttempts: 3 },
  summary: 'begin',
});

/** Where the store is down, and in runs of 0.1.0, it is an activity like the others. */
export async function beginTask(taskId: string) {
  if (patched('begin-in-workflow-task')) {
    try {
      return await inWorkflowTask.beginTask({ taskId });
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
  return onStore.beginTask.executeWithOptions({ ...ON_STORE, summary: 'begin' }, [{ taskId }]);
}

export function flushLog(input: LogSoFar) {
  return onStore.flushLog.executeWithOptions({ ...ON_STORE, summary: 'flush log' }, [input]);
}

export function finishTask(input: Parameters<Activities['finishTask']>[0]) {
  const summary = `finish as ${input.end.status === 'FAILED' ? input.end.code : 'completed'}`;
  return onStore.finishTask.executeWithOptions({ ...ON_STORE, summary }, [input]);
}

/**
 * One attempt of a step. Temporal does not retry it: the workflow does, so that what a failed attempt had said
 * stays known, and `(step, attempt)` never comes twice. WAIT_CANCELLATION_COMPLETED, because the partial
 * arrives with the cancelled attempt; without it a cancel would lose the text. The run's own timer ends it,
 * so the start-to-close timeout is only a backstop.
 */
export function callModel(plan: RunPlan, input: Parameters<Activities['callModel']>[0]) {
  const options: ActivityOptions = {
    startToCloseTimeout: plan.timeoutMs + 60_000,
    heartbeatTimeout: plan.heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: `step ${input.step}, attempt ${input.attempt}`,
  };
  return onStore.callModel.executeWithOptions(options, [input]);
}

/** Time beyond a tool's own limit in which its activity must report the time-out itself. */
const TOOL_MARGIN_MS = 10_000;

/** Three attempts for a tool that may be called twice without harm, else one: a lost worker may have called it. */
export function runTool(plan: RunPlan, input: Parameters<Activities['runTool']>[0]) {
  const policy: ToolPolicy | undefined = plan.tools.find((tool) => tool.name === input.call.name);
  const options: ActivityOptions = {
    startToCloseTimeout: (policy?.timeoutMs ?? 0) + TOOL_MARGIN_MS,
    heartbeatTimeout: plan.heartbeatTimeoutMs,
    retry: { maximumAttempts: policy?.idempotent ? 3 : 1, initialInterval: '200 milliseconds' },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: `step ${input.step}: ${input.call.name}`.slice(0, 200),
  };
  return onStore.runTool.executeWithOptions(options, [input]);
}

/** The reconciler's loop. It heartbeats, so that another worker takes over within seconds; it never gives up. */
export const { sweep } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
