import { acceptedEvent } from '../../contract/accepted-event.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { RunProgress } from '../../contract/run-messages.ts';
import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { Relay, RelayMessage } from '../../relay/relay.ts';
import type { Store } from '../../store/store.ts';
import type { RunClient } from '../run-client.ts';
import { createPacer } from './pacer.ts';
import { hasEnded, lastSeq, takeDelta, takeEntries, takePartial, type WatchedTask } from './watched-task.ts';

/** How often the truth is asked for while something moves, and while nothing does, in milliseconds. */
const RECONCILE_MS = 1_000;
const IDLE_RECONCILE_MS = 5_000;
/** Without a change for so long, nothing moves. */
const IDLE_AFTER_MS = 15_000;
/** After a failed query, and between two heartbeats that are asked for because a piece was lost. */
const RETRY_MS = 300;
const PAGE_BYTES = 512 * 1024;

export interface HubDeps {
  store: Store;
  relay: Relay;
  runs: RunClient;
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
  /** What the run is doing, or null where no worker has told. */
  progress(): RunProgress | null;
  persistenceError(): string | null;
  /** Calls `listener` at each change, until the returned function is called. It must not throw. */
  onChange(listener: () => void): () => void;
}

/** Opens a hub; it works until it is disposed or the task's log has ended. */
export async function openHub(deps: HubDeps, row: TaskRecord): Promise<Hub> {
  const { store, relay, runs } = deps;
  const task: WatchedTask = { taskId: row.id, log: [acceptedEvent(row)], live: null };
  const listeners = new Set<() => void>();
  const pacer = createPacer();
  const closing = new AbortController();
  let record = row;
  let progress: RunProgress | null = null;
  let persistenceError: string | null = null;
  let historyLength = -1;
  let changedAt = performance.now();
  // What is to be asked next.
  const due = { log: true, heartbeat: true, store: false };

  const notify = () => {
    changedAt = performance.now();
    for (const listener of listeners) listener();
  };

  function hear(message: RelayMessage): void {
    switch (message.kind) {
      case 'delta': {
        const taken = takeDelta(task, message.seq, message.piece);
        if (taken === 'added') notify();
        if (taken === 'gap') askForHeartbeat();
        if (message.seq > lastSeq(task)) due.log = true;
        break;
      }
      case 'log':
        if (message.lastSeq > lastSeq(task)) due.log = true;
        break;
      case 'end':
        due.store = true;
        break;
      case 'cancel':
        break;
    }
    if (due.log || due.store) pacer.hasten(0);
  }

  /** A piece was lost: the next heartbeat has it, but takes a while to come. */
  function askForHeartbeat(): void {
    due.heartbeat = true;
    pacer.hasten(RETRY_MS);
  }

  function take(events: readonly LogEvent[]): void {
    if (takeEntries(task, events)) notify();
  }

  /** The rest of the log, from the workflow; what an earlier workflow run has flushed, from the store. */
  async function readLog(): Promise<void> {
    for (;;) {
      const page = await runs.query(task.taskId, { after: lastSeq(task), maxBytes: PAGE_BYTES });
      progress = page.state;
      if (page.firstSeq > lastSeq(task) + 1) await readStored(page.firstSeq - 1);
      take(page.events);
      if (lastSeq(task) >= page.lastSeq || closing.signal.aborted) return;
    }
  }

  async function readStored(through: number): Promise<void> {
    for (;;) {
      const { events, end } = await store.readLog(task.taskId, lastSeq(task), PAGE_BYTES);
      take(events);
      if (end || events.length === 0 || lastSeq(task) >= through) return;
    }
  }

  /** Once the record is terminal, the archived log is the log. */
  async function readRecord(): Promise<void> {
    record = (await store.getTask(task.taskId)) ?? record;
    if (!isTerminal(record.status)) return;
    await readStored(record.last_seq);
    if (!hasEnded(task)) await replaceByArchive();
  }

  /** The run had gone further than what was archived when it was ended from outside. */
  async function replaceByArchive(): Promise<void> {
    const { events } = await store.readLog(task.taskId, 0, Infinity);
    task.log = events;
    task.live = null;
    notify();
  }

  async function readHeartbeat(): Promise<void> {
    const run = await runs.describe(task.taskId);
    persistenceError = run.persistenceError;
    if (run.partial && takePartial(task, run.partial)) notify();
    if (run.partial && run.partial.seq > lastSeq(task)) due.log = true;
    if (run.status === 'open' && run.historyLength !== historyLength) due.log = true;
    historyLength = run.historyLength;
    if (run.status !== 'open') due.store = true;
  }

  /** One question at a time; one that fails is asked again later. True where all that was asked was answered. */
  async function ask(key: keyof typeof due, question: () => Promise<void>): Promise<boolean> {
    if (!due[key]) return true;
    due[key] = false;
    try {
      await question();
      return true;
    } catch {
      due[key] = true;
      return false;
    }
  }

  async function round(): Promise<boolean> {
    const stored = await ask('store', readRecord);
    if (hasEnded(task)) return stored;
    const [described, read] = await Promise.all([ask('heartbeat', readHeartbeat), ask('log', readLog)]);
    // Nobody who could tell of the run can be reached: the record may have ended meanwhile.
    if (!described || !read) due.store = true;
    return stored && described && read;
  }

  let rounds: Promise<boolean> = Promise.resolve(true);
  /** Rounds never overlap. */
  const nextRound = () => (rounds = rounds.then(round));

  async function work(first: Promise<boolean>): Promise<void> {
    let answered = await first;
    while (!closing.signal.aborted && !hasEnded(task)) {
      const idle = performance.now() - changedAt > IDLE_AFTER_MS;
      if (answered && (due.log || due.store)) pacer.hasten(0);
      const full = await pacer.pause(!answered ? RETRY_MS : idle ? IDLE_RECONCILE_MS : RECONCILE_MS);
      if (full) due.heartbeat = true;
      answered = await nextRound();
    }
    notify();
  }

  if (isTerminal(row.status)) due.store = true;
  const unsubscribe = await relay.subscribe(task.taskId, hear);
  const first = nextRound();
  const working = work(first);

  return {
    task,
    record: () => record,
    ready: first.then(() => undefined),
    progress: () => progress,
    persistenceError: () => persistenceError,
    async readEnd() {
      due.store = isTerminal(record.status);
      due.log = true;
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
