import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { AppendedEntry, HeldLogs } from '../activities/held-logs.ts';
import type { Activities } from '../activities/types.ts';
import type { Relay } from '../relay/relay.ts';

export interface CreateWorkerOptions {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  activities: Activities;
  relay: Relay;
  logs: HeldLogs;
  /** A bundle built before, so that a process need not build it again. */
  workflowBundle?: WorkerOptions['workflowBundle'];
  /** Shortest time between two heartbeats that reach the server, in milliseconds. */
  heartbeatMs: number;
  /** Time that activities get to end by themselves at shutdown, in milliseconds. */
  shutdownGraceMs: number;
  /** Model streams and tool calls that run at once. */
  maxConcurrentActivities: number;
}

/** Time beyond the grace after which shutdown no longer waits, in milliseconds. */
const FORCE_AFTER_MS = 10_000;

/** A worker for agent runs and the reconciler. It begins to work with `run()`. */
export function createWorker(options: CreateWorkerOptions): Promise<Worker> {
  const { connection, namespace, taskQueue, activities, workflowBundle, heartbeatMs } = options;
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    ...(workflowBundle ? { workflowBundle } : { workflowsPath: workflowsPath() }),
    sinks: feedSinks(options),
    // Every stream holds an activity slot: a small number would run them in rounds.
    maxConcurrentActivityTaskExecutions: options.maxConcurrentActivities,
    // The default throttle, up to 60 s, would make partials and cancels that old.
    maxHeartbeatThrottleInterval: heartbeatMs,
    defaultHeartbeatThrottleInterval: heartbeatMs,
    // After a kill -9 a run waits this long for its old worker before another one takes it.
    stickyQueueScheduleToStartTimeout: '5 seconds',
    shutdownGraceTime: options.shutdownGraceMs,
    shutdownForceTime: options.shutdownGraceMs + FORCE_AFTER_MS,
  });
}

/** `FeedSinks` of the workflows, which this room does not see. */
function feedSinks({ relay, logs }: CreateWorkerOptions): NonNullable<WorkerOptions['sinks']> {
  return {
    feed: {
      logGrew: {
        callDuringReplay: false,
        fn({ runId }: { runId: string }, appended: AppendedEntry) {
          const { task_id, seq, type } = appended.entry;
          const isEnding = type === 'turn.final_answer' || type === 'turn.interrupted';
          logs.append(runId, appended);
          relay.publish(task_id, { kind: 'log', lastSeq: seq, isEnding });
        },
      },
    },
  };
}

/** Where the workflow bundle is built from. */
export function workflowsPath(): string {
  return new URL('../workflows/index.ts', import.meta.url).pathname;
}
