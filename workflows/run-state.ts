import type { EventData, EventType, LogEvent, TerminalEvent } from '../contract/events.ts';
import type { LogSoFar } from '../activities/types.ts';
import { NO_USAGE, type Usage } from '../contract/task.ts';
import { EMPTY_LOG, extendDigest } from '../contract/log-digest.ts';
import type { CustomEvent, RunMessage, RunProgress } from '../contract/run-messages.ts';
import type { ChildNews, ChildState } from './children.ts';
import type { Reporter } from './reporter.ts';
import type { StepCall } from './step-calls.ts';

/** The first entry that a workflow writes: entry 1, `task.accepted`, is built from the task's row. */
export const FIRST_SEQ = 2;

/** UTF-16 units of JSON of what the parent's run was not told that are carried over. */
const MOST_UNTOLD = 512 * 1024;

/** What a run carries over continue-as-new, and starts with. */
export interface RunCarry {
  firstSeq: number;
  step: number;
  attempt: number;
  phase: RunProgress['phase'];
  /** Those of the current step, in order; none where it has none, or has not called them yet. */
  calls: StepCall[];
  /** Steps in a row whose turn was no sense: unknown tool, bad arguments, nothing at all. */
  nonsense: number;
  usage: Usage;
  /** Steps beyond the run's limit, one for each answer that went on because somebody had written meanwhile. */
  extraSteps: number;
  /** UTF-16 lengths of the messages that came since the current step began: it has not read them. */
  unread: number[];
  /** The last messages that came under a key. */
  received: Received[];
  /** Ids of the last approvals that were decided. */
  decided: string[];
  /** The tasks below the run, by their ids. */
  children: Record<string, ChildState>;
  /** How many of its own custom events its parent's run was told. */
  forwarded: number;
  /** Those behind them, in the batches that they came in. */
  untold: CustomEvent[][];
}

export interface Received {
  key: string;
  requestHash: string;
  seq: number;
}

export const FRESH: RunCarry = {
  firstSeq: FIRST_SEQ,
  step: 0,
  attempt: 0,
  phase: 'starting',
  calls: [],
  nonsense: 0,
  usage: NO_USAGE,
  extraSteps: 0,
  unread: [],
  received: [],
  decided: [],
  children: {},
  forwarded: 0,
  untold: [],
};

/** A message on its way into the log. `seq`: its entry, once it stands there. */
export interface Arrival {
  message: RunMessage;
  seq: number | null;
}

/** What came to a run from outside while it worked. */
export interface Inbox {
  /** False: nothing is taken any more, because the last word has been said. */
  open: boolean;
  /** What came before the run had begun, in order. */
  arrivals: Arrival[];
  /** The same, and what came of a child before its start was logged. */
  news: ChildNews[];
}

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
  /** Its log has begun: messages may enter it. */
  begun: boolean;
  readonly inbox: Inbox;
  /** How many events each call that is under way has emitted, by its key. */
  readonly emitted: Map<string, number>;
  /** Tells the parent's run what this one emits; null: there is none. */
  reporter: Reporter | null;
  /** The run is about to continue as new: it begins nothing that it could not carry over. */
  leaving: boolean;
  readonly hooks: RunHooks;
}

/** What the state needs of the workflow around it. */
export interface RunHooks {
  /** RFC 3339, UTC, milliseconds. */
  now(): string;
  /** Called after each entry, with the digest of the log before it. */
  onAppend(run: RunState, entry: LogEvent, before: string): void;
}

export function createRun(taskId: string, carried: RunCarry, hooks: RunHooks): RunState {
  // What 0.1.0 carries over lacks the newer fields.
  const carry = { ...FRESH, ...carried };
  return {
    ...carry,
    // Not that of `FRESH`, which all runs share; and callers choose its keys, `__proto__` and `constructor` among them.
    children: Object.assign(Object.create(null), carry.children) as RunCarry['children'],
    untold: [...carry.untold],
    taskId,
    hooks,
    log: [],
    lastSeq: carry.firstSeq - 1,
    digest: EMPTY_LOG,
    sealed: false,
    begun: carry.firstSeq > FIRST_SEQ,
    inbox: { open: true, arrivals: [], news: [] },
    emitted: new Map(),
    reporter: null,
    leaving: false,
  };
}

/** What the next workflow run starts with after continue-as-new. */
export function carryOver(run: RunState): RunCarry {
  const { step, attempt, phase, calls, unread } = run;
  const { nonsense, usage, extraSteps, received, decided, children } = run;
  return {
    firstSeq: run.lastSeq + 1,
    ...{ step, attempt, phase, calls, unread },
    ...{ nonsense, usage, extraSteps, received, decided, children },
    ...reportsOf(run),
  };
}

/** What its parent's run is still to be told. Of very much the oldest is given up: Temporal takes 2 MiB of input. */
function reportsOf({ forwarded, untold }: RunState): Pick<RunCarry, 'forwarded' | 'untold'> {
  let length = 0;
  const given = untold.findLastIndex((batch) => {
    length += JSON.stringify(batch).length;
    return length > MOST_UNTOLD;
  });
  const dropped = untold.slice(0, given + 1).flat().length;
  return { forwarded: forwarded + dropped, untold: untold.slice(given + 1) };
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

/** From here on the log takes nothing but its terminal entry. */
export function seal(run: RunState): void {
  run.sealed = true;
  run.inbox.open = false;
  run.phase = 'finishing';
}

/** The log so far, as activities are told of it: they read it themselves. */
export function logSoFar({ taskId, lastSeq: through, digest }: RunState): LogSoFar {
  return { taskId, through, digest };
}

/** Appends the terminal entry that the store committed, verbatim. A winner's entry that does not follow our log stays in the store alone. */
export function appendTerminal(run: RunState, event: TerminalEvent): void {
  if (event.seq === run.lastSeq + 1) add(run, event);
}
