import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { Waiting } from '../agents/task-tools.ts';
import { errorText } from '../contract/error-text.ts';
import { ATTEMPT_FAILURES } from '../contract/failures.ts';
import { callKey } from '../contract/names.ts';
import { cleanJson, cutBytes } from '../contract/text.ts';
import { createEmitter } from './emitter.ts';
import { sendEvents } from './send-events.ts';
import { cancellation, Stopped, supervise } from './supervise.ts';
import { createTaskTools, type CallTasks, type TaskToolsDeps } from './task-tools.ts';
import { toolPolicy } from './tool-specs.ts';
import type { ToolResult, ToolRun } from './types.ts';
import { untilAborted } from './until-aborted.ts';

/** Most bytes of UTF-8 that a tool's output may have; what is longer is cut and marked. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** A tool that was told to stop has this long to emit its last events, in milliseconds. */
const LAST_WORDS_MS = 200;

export interface RunToolDeps extends TaskToolsDeps {
  /** Aborted when the worker begins to stop. */
  stopping: AbortSignal;
  heartbeatMs: number;
}

/**
 * Carries out one tool call. Whatever goes wrong in the tool is a result for the model to read; only a stop
 * (cancel, worker shutdown) ends the activity without one. It does not wait for a tool that ignores its signal.
 */
export function createRunTool(deps: RunToolDeps) {
  const { store, relay, agents, stopping, heartbeatMs } = deps;
  return async function runTool({ taskId, step, agent, call }: ToolRun): Promise<ToolResult> {
    const context = Context.current();
    const tools = agents.get(agent)?.tools ?? [];
    const tool = tools.find((one) => one.name === call.name);
    if (!tool)
      return nonsense(
        `There is no tool named ${call.name}. There are: ${tools.map((one) => one.name).join(', ')}.`,
      );
    const parsed = tool.parameters.safeParse(call.arguments);
    if (!parsed.success)
      return nonsense(`The arguments do not fit the tool's schema: ${parsed.error.message}`);

    const { timeoutMs, idempotent } = toolPolicy(tool);
    // Whatever its number of attempts, Temporal tries a call again that an operator has paused.
    if (!idempotent && context.info.attempt > 1) throw lostEffect(false);

    await using supervision = await supervise({
      context,
      taskId,
      store,
      relay,
      stopping,
      details: () => undefined,
      pauseMs: () => heartbeatMs,
    });
    const stop = supervision.signal;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([stop, timeout]);
    const place = { taskId, step, callId: call.callId };
    const emitter = createEmitter(sendEvents(deps.runs, context, place));
    const tasks = createTaskTools(deps, { ...place, agent, signal });
    const toolContext = {
      taskId,
      key: callKey(place),
      signal,
      emit: emitter.emit,
      tasks: tasks.tools,
    };
    try {
      // As ahead of a model's call: what a cancelled task has not begun must not have its effect.
      await untilAborted(supervision.look(), signal);
      const output = await untilStopped(() => tool.run(parsed.data, toolContext), signal);
      return { ...said(output), ...startedBy(tasks) };
    } catch (error) {
      if (stop.aborted) return { ...stopped(stop.reason, idempotent), ...startedBy(tasks) };
      const text = timeout.aborted
        ? `The tool did not end within ${timeoutMs} ms.`
        : errorText(error);
      return { output: text, is_error: true, ...startedBy(tasks) };
    } finally {
      // Whatever became of the call, what it has said comes first.
      await emitter.close();
    }
  };
}

/**
 * The tool's result, or the signal's reason, without which it is not even begun. A tool that listens to its signal may say its last
 * words.
 */
async function untilStopped(run: () => Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  signal.throwIfAborted();
  const running = run();
  try {
    return await untilAborted(running, signal);
  } catch (error) {
    if (signal.aborted) await Promise.race([running.catch(() => undefined), sleep(LAST_WORDS_MS)]);
    throw error;
  }
}

/** What the tool gives: an output, or an end to wait for. */
function said(output: unknown): ToolResult {
  if (output instanceof Waiting) return { output: null, is_error: false, wait: output.order };
  return { ...bounded(output), is_error: false };
}

/** A tool that has failed, or was stopped, has started them all the same. */
function startedBy({ spawned }: CallTasks): Pick<ToolResult, 'spawned'> {
  return spawned.length > 0 ? { spawned } : {};
}

function nonsense(output: string): ToolResult {
  return { ...bounded(output), is_error: true, nonsense: true };
}

/** The output as clean JSON, cut where it is too long. */
function bounded(output: unknown): Pick<ToolResult, 'output' | 'truncated'> {
  const json = JSON.stringify(output) as string | undefined;
  if (json === undefined) return { output: null };
  if (Buffer.byteLength(json) <= MAX_OUTPUT_BYTES)
    return { output: cleanJson(JSON.parse(json) as unknown) };
  const text = typeof output === 'string' ? output : json;
  return { output: cutBytes(cleanJson(text), MAX_OUTPUT_BYTES), truncated: true };
}

/** A recorded cancel is a result, because Temporal's own cancel may not have reached this worker yet. */
function stopped(reason: unknown, idempotent: boolean): ToolResult {
  const why = reason instanceof Stopped ? reason.why : 'cancelled';
  if (why === 'cancel_recorded') return { output: 'The tool call was cancelled.', is_error: true };
  if (why === 'cancelled') throw cancellation('The tool call was cancelled.');
  throw lostEffect(idempotent);
}

function lostEffect(retryable: boolean): ApplicationFailure {
  return ApplicationFailure.create({
    message:
      'The worker that ran this tool was shut down. It is not known whether the tool had its effect.',
    type: ATTEMPT_FAILURES.workerShutdown,
    nonRetryable: !retryable,
  });
}
