import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  proxySinks,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
  type Sinks,
} from '@temporalio/workflow';
import type { RunPlan } from '../activities/types.ts';
import type { LogEvent, TerminalEvent } from '../contract/events.ts';
import type { AppendedEntry } from '../contract/log-digest.ts';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';
import { beginTask, finishTask, flushLog } from './activity-proxies.ts';
import { logNews } from './children.ts';
import { handleCallers } from './handlers.ts';
import { logArrivals } from './inbox.ts';
import { endOf, failed, type Outcome } from './outcome.ts';
import { react } from './react-loop.ts';
import { createReporter } from './reporter.ts';
import { createRunClock, type RunClock } from './run-clock.ts';
import { describeRun } from './run-details.ts';
import {
  append,
  appendTerminal,
  carryOver,
  createRun,
  FRESH,
  logSoFar,
  seal,
} from './run-state.ts';
import type { RunCarry, RunState } from './run-state.ts';
import { isOpen } from './step-calls.ts';
import { useTool } from './use-tool.ts';

/** What a run goes by once it has begun. `deadline`: milliseconds since the epoch. */
interface Begun {
  plan: RunPlan;
  deadline: number;
}

export interface AgentRunInput {
  taskId: string;
  /** Set by continue-as-new. */
  resume?: Begun & { carry: RunCarry };
}

/** Tells the worker's process what was appended, on replay too. Best effort. */
export interface FeedSinks extends Sinks {
  feed: { logGrew(appended: AppendedEntry): void };
}
const { feed } = proxySinks<FeedSinks>();

/** A run of an agent: begin, think and act until an outcome, then store, show, and close as the record says. */
export async function agentRun({ taskId, resume }: AgentRunInput): Promise<void> {
  const clock = createRunClock();
  const run = createRun(taskId, resume?.carry ?? FRESH, { now: clock.now, onAppend: announce });
  handleCallers(run);

  const root = CancellationScope.current();
  let outcome: Outcome | { lost: TerminalEvent | null };
  try {
    const begun = resume ?? (await begin(run, clock));
    outcome = 'lost' in begun ? begun : await carryOut(run, begun);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Where the root is not cancelled, it was the run's own timer that cancelled the scope.
    outcome = failed('timed_out', 'The task did not end within its time limit.');
  }
  const ended = outcome;
  if ('lost' in ended) run.inbox.open = false;
  await CancellationScope.nonCancellable(async () =>
    closeAs('lost' in ended ? ended.lost : await finish(run, ended, root), root),
  );
}

/** Up to an outcome, here or in the workflow run that goes on when history is full. */
async function carryOut(run: RunState, begun: Begun): Promise<Outcome> {
  const { plan } = begun;
  setCurrentDetails(describeRun(run));
  if (plan.parent) run.reporter = createReporter(run, plan.parent);
  const work = () => (plan.toolCall ? useTool(run, plan, plan.toolCall) : react(run, plan));
  const end = await withinDeadline(begun, work);
  return end === 'history_full' ? goOn(run, begun) : end;
}

/** Begins the task, or learns that it has ended before. */
async function begin(
  run: RunState,
  clock: RunClock,
): Promise<Begun | { lost: TerminalEvent | null }> {
  const begun = await beginTask(run.taskId);
  if (!begun.begun) return { lost: begun.terminal };
  const { plan, startedAt } = begun;
  if (startedAt) clock.standAt(startedAt);
  append(run, 'task.started', {});
  const omitted = (plan.conversation?.omittedTurns ?? 0) + (plan.sources?.omittedTurns ?? 0);
  if (omitted > 0) {
    const note = `${omitted} older turns of the conversation do not fit the model's context and were left out.`;
    append(run, 'task.progress', { progress: 0, note });
  }
  run.begun = true;
  logArrivals(run);
  logNews(run);
  return { plan, deadline: Date.now() + plan.timeoutMs };
}

/** Cancels the work at the run's deadline: `CancellationScope.withTimeout`, with a timer that says what it is for. */
function withinDeadline<T>({ deadline }: Begun, work: () => Promise<T>): Promise<T> {
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const timer = new CancellationScope();
    const timeLeftMs = deadline - Date.now();
    // It was up before the former workflow run had gone on in this one.
    if (timeLeftMs <= 0) scope.cancel();
    timer
      .run(() => sleep(Math.max(timeLeftMs, 1), { summary: 'time limit' }))
      .then(
        () => scope.cancel(),
        () => undefined,
      );
    try {
      return await work();
    } finally {
      timer.cancel();
    }
  });
}

/**
 * Goes on in a new workflow run, with the log so far in the store. Returns only when a cancel came first:
 * continue-as-new never looks at the cancel state, so a cancel of the same activation would be lost.
 */
async function goOn(run: RunState, { plan, deadline }: Begun): Promise<Outcome> {
  append(run, 'task.continued', { run_id: workflowInfo().runId });
  // What arrives meanwhile must be in the store too: the next workflow run begins behind it.
  for (let flushed = 0; flushed < run.lastSeq;) {
    flushed = run.lastSeq;
    await flushLog(logSoFar(run));
    await condition(allHandlersFinished);
    await run.reporter?.told();
  }
  if (CancellationScope.current().consideredCancelled) return { kind: 'cancelled' };
  return continueAsNew<typeof agentRun>({
    taskId: run.taskId,
    resume: { plan, deadline, carry: carryOver(run) },
  });
}

/** Sealed, stored, then shown. An answer that was ready when a cancel came is kept, as the partial output of a cancelled task. */
async function finish(
  run: RunState,
  reached: Outcome,
  root: CancellationScope,
): Promise<TerminalEvent> {
  // Where a cancel came while the run was about to continue as new, its calls wait no longer.
  await condition(() => !run.calls.some(isOpen));
  await run.reporter?.told();
  const outcome: Outcome = root.consideredCancelled ? { kind: 'cancelled' } : reached;
  seal(run);
  setCurrentDetails(describeRun(run));
  const terminal = await finishTask({ ...logSoFar(run), end: endOf(outcome) });
  appendTerminal(run, terminal);
  return terminal;
}

/** Closes the workflow the way the record says: Completed, Canceled or Failed. */
async function closeAs(terminal: TerminalEvent | null, root: CancellationScope): Promise<void> {
  await condition(allHandlersFinished);
  if (terminal === null) return;
  const status = terminal.type === 'task.completed' ? 'COMPLETED' : 'FAILED';
  upsertSearchAttributes({ [SEARCH_ATTRIBUTES.status]: [status] });
  if (terminal.type === 'task.completed') return;
  const { code, message } = terminal.data.failure;
  if (code === 'cancelled') {
    // The row's cancel can be read ahead of Temporal's, and a workflow closes as Canceled only after a request.
    if (!root.consideredCancelled) await condition(() => root.consideredCancelled, '1 minute');
    if (root.consideredCancelled) throw new CancelledFailure(message);
  }
  throw ApplicationFailure.nonRetryable(message, code);
}

function announce(run: RunState, entry: LogEvent, before: string): void {
  setCurrentDetails(describeRun(run));
  feed.logGrew({ entry, before, digest: run.digest });
}
