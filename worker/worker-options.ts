import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import type { RunDefaults } from '../activities/begin-task.ts';
import { createHeldLogs, type HeldLogs } from '../activities/held-logs.ts';
import { createActivities } from '../activities/index.ts';
import type { Models } from '../activities/models/model.ts';
import type { Agent } from '../agents/agent.ts';
import type { EventType } from '../contract/events.ts';
import type { AppendedEntry } from '../contract/log-digest.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';

/** What a worker works with, wherever it runs. */
export interface WorkOptions {
  namespace: string;
  taskQueue: string;
  store: Store;
  relay: Relay;
  metrics: Metrics;
  models: Models;
  agents: readonly Agent[];
  defaults: RunDefaults;
  /** File with a bundle that was built before; left out: it is built now, which takes seconds. */
  workflowBundle?: string | undefined;
  /** Heartbeats of all steps together. */
  maxHeartbeatsPerSecond: number;
  /** Shortest time between two heartbeats that reach the server, in milliseconds. */
  heartbeatMs: number;
  /** A provider that is silent for so long has stalled, in milliseconds. */
  modelIdleTimeoutMs: number;
  /** Time that activities get to end by themselves at shutdown, in milliseconds. */
  shutdownGraceMs: number;
  /** Model streams and tool calls that run at once. */
  maxConcurrentActivities: number;
  reconcileEverySeconds: number;
}

/** How long a worker works. */
export interface WorkSpan {
  /** Aborted when it begins to stop. */
  stopping: AbortSignal;
  /** As `SweepDeps.shiftMs`. */
  shiftMs: number;
}

/** How the SDK's worker is set for agent runs and the reconciler, wherever it runs. */
export function workerOptions(options: WorkOptions, span: WorkSpan) {
  const { agents, relay, workflowBundle, heartbeatMs } = options;
  const logs = createHeldLogs();
  return {
    taskQueue: options.taskQueue,
    activities: createActivities({
      ...options,
      ...span,
      logs,
      agents: new Map(agents.map((agent) => [agent.name, agent])),
    }),
    ...(workflowBundle
      ? { workflowBundle: { codePath: workflowBundle } }
      : { workflowsPath: workflowsPath() }),
    sinks: feedSinks(relay, logs),
    // Every stream holds an activity slot: a small number would run them in rounds.
    maxConcurrentActivityTaskExecutions: options.maxConcurrentActivities,
    // The default throttle, up to 60 s, would make partials and cancels that old.
    maxHeartbeatThrottleInterval: heartbeatMs,
    defaultHeartbeatThrottleInterval: heartbeatMs,
    // After a kill -9 a run waits this long for its old worker, beyond the heartbeat's time-out, before another one takes
    // it. A worker that is late by more than this because it is busy loses the run to another, which replays its history.
    stickyQueueScheduleToStartTimeout: '2 seconds',
    shutdownGraceTime: options.shutdownGraceMs,
  } satisfies Partial<WorkerOptions>;
}

/** Entries behind which no activity may follow for a while that would confirm them: readers are told to look. */
const UNCONFIRMED: ReadonlySet<EventType> = new Set([
  'turn.attempt_failed',
  'task.message',
  'task.custom',
  'child.started',
  'child.custom',
  'child.completed',
  'child.failed',
  'child.cancelled',
  'approval.requested',
  'approval.resolved',
]);

/** What is used of the `WorkflowInfo` of a workflow that calls a sink. */
interface SinkCaller {
  runId: string;
  unsafe: { isReplaying: boolean };
}

/** `FeedSinks` of the workflows, which this room does not see. */
function feedSinks(relay: Relay, logs: HeldLogs): NonNullable<WorkerOptions['sinks']> {
  return {
    feed: {
      logGrew: {
        // A worker that takes a run over holds its log from then on.
        callDuringReplay: true,
        fn({ runId, unsafe }: SinkCaller, appended: AppendedEntry) {
          const { task_id, type, seq } = appended.entry;
          logs.append(runId, appended);
          if (unsafe.isReplaying) return;
          relay.publish(task_id, { kind: 'written', appended, runId });
          if (UNCONFIRMED.has(type)) relay.publish(task_id, { kind: 'log', lastSeq: seq, runId });
        },
      },
    },
  };
}

/** Where the workflow bundle is built from. */
export function workflowsPath(): string {
  return fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
}
