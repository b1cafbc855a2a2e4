import { ApplicationFailure, Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import type { Agent } from '../agents/agent.ts';
import { errorText } from '../contract/error-text.ts';
import { ATTEMPT_FAILURES } from '../contract/failures.ts';
import type { Partial } from '../contract/frames.ts';
import { NO_USAGE } from '../contract/task.ts';
import { spokenLength } from '../contract/text.ts';
import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';
import { createDeltaPublisher } from './delta-publisher.ts';
import type { HeldLogs } from './held-logs.ts';
import { listen, OutOfBudget } from './listen.ts';
import { ModelFailure, type Models } from './models/model.ts';
import { preparePrompt } from './prepare-prompt.ts';
import { estimateTokens, promptLength } from './prompt.ts';
import { cancellation, Stopped, supervise } from './supervise.ts';
import { toolSpecs } from './tool-specs.ts';
import type { ModelCall, ModelTurn } from './types.ts';

export interface CallModelDeps {
  store: Store;
  relay: Relay;
  logs: HeldLogs;
  models: Models;
  agents: ReadonlyMap<string, Agent>;
  /** Aborted when the worker begins to stop. */
  stopping: AbortSignal;
  /** Shortest time between two heartbeats of a step, in milliseconds. */
  heartbeatMs: number;
  /** Heartbeats of all steps of this worker together. Each is a write of Temporal's database. */
  maxHeartbeatsPerSecond: number;
  /** A provider that is silent for so long has stalled, in milliseconds. */
  modelIdleTimeoutMs: number;
}

/** Heartbeats of one run stay below this many bytes per second: a long text is heartbeated more rarely. */
const HEARTBEAT_BYTES_PER_MS = (64 * 1024) / 1000;

/**
 * One attempt of a step: streams from the provider, publishes deltas, heartbeats the whole partial. However it ends, what was
 * said comes along: as the result, or in the details of the failure that it throws (`ATTEMPT_FAILURES`, `CancelledFailure`).
 */
export function createCallModel(deps: CallModelDeps) {
  const { store, relay, logs, heartbeatMs, maxHeartbeatsPerSecond, stopping } = deps;
  let steps = 0;
  return async function callModel(call: ModelCall): Promise<ModelTurn> {
    const context = Context.current();
    const said: ModelTurn = {
      blocks: [],
      calls: [],
      usage: NO_USAGE,
    };
    const { taskId, seq, step, attempt } = call;
    const publisher = createDeltaPublisher({
      relay,
      taskId,
      runId: context.info.workflowExecution?.runId,
      seq,
      step,
      attempt,
      blocks: said.blocks,
    });
    const pauseMs = () => {
      const fairMs = Math.max(
        heartbeatMs,
        spokenLength(said.blocks) / HEARTBEAT_BYTES_PER_MS,
        (steps * 1_000) / maxHeartbeatsPerSecond,
      );
      // A heartbeat must come well within its time-out, however long the text is.
      return Math.min(fairMs, (context.info.heartbeatTimeoutMs ?? Infinity) / 2);
    };

    steps += 1;
    try {
      await using supervision = await supervise({
        context,
        taskId,
        store,
        relay,
        stopping,
        details: () => partialOf(call, said),
        pauseMs,
      });
      const stop = supervision.signal;
      const agent = deps.agents.get(call.agent);
      if (!agent) throw new ModelFailure(`no agent named ${call.agent}`, { retryable: false });
      const messages = await preparePrompt({ store, logs, context, call, agent, stop });
      if (messages === null) return { ...said, stopped: 'cancelled' };
      const request = { messages, tools: toolSpecs(agent) };
      await listen({
        parts: (signal) => deps.models(call.model).stream(request, signal),
        promptTokens: estimateTokens(promptLength(messages)),
        said,
        say: publisher.say,
        tokensLeft: call.tokensLeft,
        idleTimeoutMs: deps.modelIdleTimeoutMs,
        stop,
      });
      return said;
    } catch (error) {
      return endEarly(error, call, said);
    } finally {
      steps -= 1;
      publisher.flush();
    }
  };
}

function partialOf({ seq, step, attempt }: ModelCall, said: ModelTurn): Partial {
  const { blocks, usage, tool_call_begun } = said;
  return { seq, step, attempt, blocks, usage, ...(tool_call_begun ? { tool_call_begun } : {}) };
}

/** What interrupted the attempt decides how its partial travels. */
function endEarly(error: unknown, call: ModelCall, said: ModelTurn): ModelTurn {
  const partial = partialOf(call, said);
  if (error instanceof OutOfBudget) return { ...said, calls: [], stopped: 'budget_exceeded' };
  if (error instanceof Stopped) {
    switch (error.why) {
      case 'cancel_recorded':
        return { ...said, calls: [], stopped: 'cancelled' };
      case 'cancelled':
        throw cancellation('The attempt was cancelled.', [partial]);
      case 'worker_shutdown':
      case 'superseded':
        throw failure(error.message, ATTEMPT_FAILURES.workerShutdown, [partial]);
    }
  }
  if (error instanceof ModelFailure) {
    const { retryable, retryAfterMs } = error;
    throw failure(errorText(error), ATTEMPT_FAILURES.provider, [
      partial,
      { retryable, retryAfterMs },
    ]);
  }
  const type = error instanceof Error ? error.name : 'unknown';
  throw failure(errorText(error), type, [partial]);
}

/** Never retried by Temporal: the workflow decides on the next attempt. */
function failure(message: string, type: string, details: unknown[]): ApplicationFailure {
  // What is expected of providers and workers stands in the log of the run; only a bug is worth the worker's warning.
  const isExpected = Object.values<string>(ATTEMPT_FAILURES).includes(type);
  const quietly = isExpected ? { category: ApplicationFailureCategory.BENIGN } : {};
  return ApplicationFailure.create({ message, type, details, nonRetryable: true, ...quietly });
}
