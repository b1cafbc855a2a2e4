import { acceptedEvent } from '../../contract/accepted-event.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { RunProgress } from '../../contract/run-messages.ts';
import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { Relay, RelayMessage } from '../../relay/relay.ts';
import type { Store } from '../../store/store.ts';
import type { RunClient } from '../run-client.ts';
import { createPacer } from './pacer.ts';
import { reconcileMs, retryMs } from './pauses.ts';
import { createRelayTrust, type RelayPulse } from './relay-trust.ts';
import { createSources, isOtherRun, type Due, type Known } from './sources.ts';
import {
  hasEnded,
  lastSeq,
  takeDelta,
  takeEntries,
  watchTask,
  type WatchedTask,
} from './watched-task.ts';

/** The bell rings while the server does not have the entries yet, and several ring at once. */
const BELL_MS = 5;
/** A lost piece is looked for in the heartbeat that comes next. */
const LOST_PIECE_MS = 300;

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

/** Opens a hub; it works until it is disposed or the task's log has ended. */
export async function openHub(
  { store, relay, runs, pulse }: HubDeps,
  row: TaskRecord,
): Promise<Hub> {
  const task = watchTask(row.id, [acceptedEvent(row)]);
  const known: Known = {
    task,
    record: row,
    progress: null,
    persistenceError: null,
    historyLength: -1,
    runId: null,
    formerRuns: new Set(),
  };
  const begun = row.status !== 'PENDING';
  const due: Due = { log: begun, heartbeat: begun, store: isTerminal(row.status) };
  const listeners = new Set<() => void>();
  const pacer = createPacer();
  const closing = new AbortController();
  let grownAt = performance.now();
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

  function hear(message: RelayMessage): void {
    if ('runId' in message && isOtherRun(known, message.runId)) {
      if (!known.formerRuns.has(message.runId ?? '')) askSoon('log', 0);
      return;
    }
    if (message.kind === 'delta') {
      const taken = takeDelta(task, message.seq, message.piece);
      if (taken === 'added') {
        trust.heard();
        grow();
      }
      if (taken === 'gap') lookForLostPiece();
      if (message.seq > lastSeq(task)) askSoon('log', 0);
    }
    if (message.kind === 'entries') takeAnnounced(message.events, message.runId);
    if (message.kind === 'log' && message.lastSeq > lastSeq(task)) askSoon('log', BELL_MS);
    if (message.kind === 'end') askSoon('store', 0);
  }

  /** Entries behind a hole wait for the log to be read. */
  function takeAnnounced(events: readonly LogEvent[], runId: string | undefined): void {
    if ((events.at(-1)?.seq ?? 0) <= lastSeq(task)) return;
    known.runId ??= runId ?? null;
    known.progress = null;
    if (!takeEntries(task, events)) return askSoon('log', 0);
    trust.heard();
    grow();
  }

  function askSoon(source: keyof Due, withinMs: number): void {
    due[source] = true;
    pacer.hasten(withinMs);
  }

  /** The heartbeat that has the piece takes a while to come. */
  function lookForLostPiece(): void {
    askSoon('heartbeat', LOST_PIECE_MS);
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
    const stored = await ask('store');
    if (hasEnded(task)) return stored;
    if (due.heartbeat) trust.looked();
    const [described, read] = await Promise.all([ask('heartbeat'), ask('log')]);
    // Nobody who could tell of the run can be reached: the record may have ended meanwhile.
    if (!described || !read) due.store = true;
    return stored && described && read;
  }

  let rounds: Promise<boolean> = Promise.resolve(true);
  /** Rounds never overlap: the server buffers one query per run. */
  const nextRound = () => (rounds = rounds.then(round));

  async function work(first: Promise<boolean>): Promise<void> {
    let answered = await first;
    for (let unanswered = 0; !closing.signal.aborted && !hasEnded(task);) {
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

  const unsubscribe = await relay.subscribe(task.taskId, hear);
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
