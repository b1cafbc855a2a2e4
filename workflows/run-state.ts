import type { EventData, EventType, LogEvent, TerminalEvent } from '../contract/events.ts';
import { isTerminalEvent } from '../contract/events.ts';
import type { LogSoFar } from '../activities/types.ts';
import type { Partial } from '../contract/frames.ts';
import { addUsage, NO_USAGE, type Usage } from '../contract/task.ts';
import { interruptedTurn } from '../contract/interrupted-turn.ts';
import { EMPTY_LOG, extendDigest } from '../contract/log-digest.ts';
import type { EventsPage, EventsRequest, RunProgress } from '../contract/run-messages.ts';
import { textOf } from '../contract/text.ts';

/** The first entry that a workflow writes: entry 1, `task.accepted`, is built from the task's row. */
export const FIRST_SEQ = 2;

/** What a run carries over continue-as-new, and starts with. */
export interface RunCarry {
  firstSeq: number;
  step: number;
  /** Steps in a row whose turn was no sense: unknown tool, bad arguments, nothing at all. */
  nonsense: number;
  progress: number;
  usage: Usage;
}

export const FRESH: RunCarry = {
  firstSeq: FIRST_SEQ,
  step: 0,
  nonsense: 0,
  progress: 0,
  usage: NO_USAGE,
};

/**
 * The state of a run. Its log is the truth of the task until the store says that it has ended.
 * Entries are numbered without holes; nothing but `seal` and the terminal entry follows a seal.
 */
export interface RunState extends RunCarry {
  readonly taskId: string;
  log: LogEvent[];
  lastSeq: number;
  /** Of what this workflow run has appended. */
  digest: string;
  sealed: boolean;
  attempt: number;
  phase: RunProgress['phase'];
  tool: string | null;
  readonly hooks: RunHooks;
}

/** What the state needs of the workflow around it. */
export interface RunHooks {
  /** RFC 3339, UTC, milliseconds. */
  now(): string;
  /** Called after each entry, with the digest of the log before it. */
  onAppend(run: RunState, entry: LogEvent, before: string): void;
}

export function createRun(taskId: string, carry: RunCarry, hooks: RunHooks): RunState {
  return {
    ...carry,
    taskId,
    hooks,
    log: [],
    lastSeq: carry.firstSeq - 1,
    digest: EMPTY_LOG,
    sealed: false,
    attempt: 0,
    phase: 'starting',
    tool: null,
  };
}

/** What the next workflow run starts with after continue-as-new. */
export function carryOver(run: RunState): RunCarry {
  const { step, nonsense, progress, usage } = run;
  return { firstSeq: run.lastSeq + 1, step, nonsense, progress, usage };
}

/** Appends an entry. Throws after the seal: that is a bug. */
export function append<T extends EventType>(run: RunState, type: T, data: EventData[T]): void {
  if (run.sealed) throw new Error(`log entry ${type} after the seal`);
  const seq = run.lastSeq + 1;
  add(run, { type, task_id: run.taskId, seq, at: run.hooks.now(), data } as LogEvent);
}

function add(run: RunState, entry: LogEvent): void {
  const before = run.digest;
  run.log.push(entry);
  run.lastSeq = entry.seq;
  run.digest = extendDigest(before, entry);
  run.hooks.onAppend(run, entry, before);
}

export function startStep(run: RunState): void {
  run.step += 1;
  run.attempt = 0;
  append(run, 'turn.started', { step: run.step });
}

/** Logs an attempt that failed and will be followed by another. */
export function failAttempt(
  run: RunState,
  failed: { partial: Partial; reason: string; retryInMs: number },
): void {
  const { step, attempt, blocks, usage, tool_call_begun } = failed.partial;
  const begun = tool_call_begun ? { tool_call_begun } : {};
  run.usage = addUsage(run.usage, usage);
  const { reason, retryInMs: retry_in_ms } = failed;
  append(run, 'turn.attempt_failed', {
    step,
    attempt,
    blocks,
    reason,
    usage,
    ...begun,
    retry_in_ms,
  });
}

/** Logs the whole of what a step said, as thinking aloud or as the answer. */
export function endStep(
  run: RunState,
  type: 'turn.thinking' | 'turn.final_answer',
  said: Pick<Partial, 'blocks' | 'usage'>,
): void {
  const { blocks, usage } = said;
  run.usage = addUsage(run.usage, usage);
  const data = { step: run.step, attempt: run.attempt, blocks, text: textOf(blocks), usage };
  append(run, type, data);
}

/** Logs what is left of the current step, if one is open. `partial`: the attempt that was under way, or null. */
export function interruptStep(run: RunState, partial: Partial | null): void {
  const left = interruptedTurn(run.log, partial);
  if (!left) return;
  run.usage = addUsage(run.usage, left.usage);
  append(run, 'turn.interrupted', left);
}

/** From here on the log takes nothing but its terminal entry. */
export function seal(run: RunState): void {
  run.sealed = true;
  run.phase = 'finishing';
  run.tool = null;
}

/** The log so far, as activities are told of it: they read it themselves. */
export function logSoFar({ taskId, lastSeq: through, digest }: RunState): LogSoFar {
  return { taskId, through, digest };
}

/** Appends the terminal entry that the store committed, verbatim. A winner's entry that does not follow our log stays in the store alone. */
export function appendTerminal(run: RunState, event: TerminalEvent): void {
  if (event.seq === run.lastSeq + 1) add(run, event);
}

/** Answers the events query. Sizes are UTF-16 lengths of JSON, a fair guess of its bytes. */
export function readPage(
  run: RunState,
  { after, maxBytes }: EventsRequest,
): Omit<EventsPage, 'runId'> {
  const { firstSeq, lastSeq, digest, step, attempt, phase, tool, progress, usage } = run;
  const events: LogEvent[] = [];
  let size = 0;
  for (let index = Math.max(after + 1 - firstSeq, 0); index < run.log.length; index += 1) {
    const event = run.log[index] as LogEvent;
    size += JSON.stringify(event).length;
    if (events.length > 0 && size > maxBytes) break;
    events.push(event);
  }
  const last = run.log.at(-1);
  return {
    events: after + 1 < firstSeq ? [] : events,
    firstSeq,
    lastSeq,
    digest,
    terminal: last !== undefined && isTerminalEvent(last),
    state: { step, attempt, phase, tool, progress, usage },
  };
}
