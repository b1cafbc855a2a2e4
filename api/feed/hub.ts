import { acceptedEvent } from '../../contract/accepted-event.ts';
import { EMPTY_LOG } from '../../contract/log-digest.ts';
import type { RunProgress } from '../../contract/run-messages.ts';
import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Store } from '../../store/store.ts';
import type { RunClient } from '../../runs/run-client.ts';
import { createPacer } from './pacer.ts';
import { reconcileMs, retryMs } from './pauses.ts';
import { createRelayListener } from './relay-listener.ts';
import { createRelayTrust, type RelayPulse } from './relay-trust.ts';
import { createSources, type Due, type Known } from './sources.ts';
import { isOver, lastSeq, watchTask, type WatchedTask } from './watched-task.ts';
import { createWrittenEntries } from './written-entries.ts';

export interface HubDeps {
  store: Store;
  relay: Relay;
  runs: RunClient;
  /** Of this process. */
  pulse: RelayPulse;
}

/** One per watched task and process: merges log, heartbeat, relay and store for all readers. */
export interface Hub extends AsyncDisposable {
  readonly task: WatchedTask;
  /** The row as it was last read. */
  record(): TaskRecord;
  /** Resolves once the log's end has been asked for, whether or not anybody could tell. */
  readonly ready: Promise<void>;
  /** Asks for the end of the log now. False: neither worker nor store could tell. */
  readEnd(): Promise<boolean>;
  /** What the run is doing, or null where no worker has told since the log has grown. */
  progress(): RunProgress | null;
  persistenceError(): string | null;
  /** Aborted when the hub is disposed: nothing changes any more. */
  readonly closed: AbortSignal;
  /** Calls `listener` at each change, until the returned function is called. It must not throw. */
  onChange(listener: () => void): () => void;
}

/** Opens a hub; it works until it is disposed or nothing more can come of the task. */
export async function openHub(
  { store, relay, runs, pulse }: HubDeps,
  row: TaskRecord,
): Promise<Hub> {
  const task = watchTask(row.id, [acceptedEvent(row)]);
  const begun = row.status !== 'PENDING';
  const known: Known = {
    task,
    record: row,
    progress: null,
    persistenceError: null,
    historyLength: -1,
    runId: null,
    written: createWrittenEntries(begun ? null : EMPTY_LOG),
    formerRuns: new Set(),
  };
  const due: Due = { log: begun, heartbeat: begun, store: isTerminal(row.status) };
  const listeners = new Set<() => void>();
  const pacer = createPacer();
  const closing = new AbortController();
  let grownAt = performance.now();
  /** The next round reads the log, if it is not known up to this entry by then. */
  let wanted = 0;
  const trust = createRelayTrust(pulse);

  const notify = () => {
    for (const listener of listeners) listener();
  };
  const grow = () => {
    grownAt = performance.now();
    notify();
  };
  const onGrowth = () => {
    trust.missed();
    grow();
  };
  const sources = createSources({ store, runs, known, due, onGrowth });

  function wantLog(seq: number, withinMs: number): void {
    wanted = Math.max(wanted, seq);
    if (seq > lastSeq(task)) pacer.hasten(withinMs);
  }

  function askSoon(source: keyof Due, withinMs: number): void {
    due[source] = true;
    pacer.hasten(withinMs);
  }

  /** A question that is not answered stays due. */
  async function ask(source: keyof Due): Promise<boolean> {
    if (!due[source]) return true;
    due[source] = false;
    try {
      await sources[source]();
      return true;
    } catch {
      due[source] = true;
      return false;
    }
  }

  async function round(): Promise<boolean> {
    if (closing.signal.aborted) return false;
    const goal = wanted;
    if (goal > lastSeq(task)) due.log = true;
    const stored = await ask('store');
    if (isOver(task)) return stored;
    if (due.heartbeat) trust.looked();
    const [described, read] = await Promise.all([ask('heartbeat'), ask('log')]);
    if (read && wanted === goal) wanted = 0;
    // Nobody who could tell of the run can be reached: the record may have ended meanwhile.
    if (!described || !read) due.store = true;
    return stored && described && read;
  }

  let rounds: Promise<boolean> = Promise.resolve(true);
  let waiting: Promise<boolean> | null = null;
  /** Rounds never overlap: the server buffers one query per run. Whoever asks before one has begun shares it. */
  function nextRound(): Promise<boolean> {
    waiting ??= rounds = rounds.then(() => {
      waiting = null;
      return round();
    });
    return waiting;
  }

  async function work(first: Promise<boolean>): Promise<void> {
    let answered = await first;
    for (let unanswered = 0; !closing.signal.aborted && !isOver(task);) {
      if (answered && (due.log || due.store)) pacer.hasten(0);
      unanswered = answered ? 0 : unanswered + 1;
      const full = await pacer.pause(
        answered ? reconcileMs(performance.now() - grownAt) : retryMs(unanswered),
      );
      if (closing.signal.aborted) break;
      if (full && !trust.isWarranted()) due.heartbeat = true;
      answered = await nextRound();
    }
    notify();
  }

  const listener = createRelayListener({ known, trust, grow, askSoon, wantLog });
  const unsubscribe = await relay.subscribe(task.taskId, listener);
  const first = nextRound();
  const working = work(first);

  return {
    task,
    record: () => known.record,
    ready: first.then(() => undefined),
    progress: () => known.progress,
    persistenceError: () => known.persistenceError,
    closed: closing.signal,
    readEnd() {
      due.log = true;
      due.store = true;
      return nextRound();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      pacer.hasten(0);
      notify();
      unsubscribe();
      await working;
    },
  };
}
