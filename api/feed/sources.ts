import { isDeepStrictEqual } from 'node:util';
import type { LogEvent } from '../../contract/events.ts';
import type { EventsPage, RunProgress } from '../../contract/run-messages.ts';
import { isTerminal, type TaskRecord } from '../../contract/task.ts';
import type { Store } from '../../store/store.ts';
import type { RunClient } from '../../runs/run-client.ts';
import {
  hasEnded,
  lastSeq,
  rewriteLog,
  takeEntries,
  takePartial,
  type WatchedTask,
} from './watched-task.ts';
import type { WrittenEntries } from './written-entries.ts';

/** Bytes of JSON that one query or one read of the store answers with. */
const PAGE_BYTES = 512 * 1024;

/** What is to be asked next. */
export interface Due {
  /** The workflow, for the rest of the log. */
  log: boolean;
  /** The server, for the last heartbeat and whether history has grown. */
  heartbeat: boolean;
  /** The store, for whether the record is terminal. */
  store: boolean;
}

/** All that a hub knows of its task. */
export interface Known {
  task: WatchedTask;
  record: TaskRecord;
  progress: RunProgress | null;
  persistenceError: string | null;
  /** Events of history at the last look; -1 before it. */
  historyLength: number;
  /** The workflow run that told the log last. */
  runId: string | null;
  /** What it has written and nobody has confirmed. */
  readonly written: WrittenEntries;
  /** Those before it: whatever still comes from them is no part of the log. */
  readonly formerRuns: Set<string>;
}

/** How a workflow run stands to the one that told the log: another one has been reset, or goes on from there. */
export function isOtherRun({ runId }: Known, other: string | null | undefined): boolean {
  return runId !== null && typeof other === 'string' && other !== runId;
}

export interface SourcesOptions {
  store: Store;
  runs: RunClient;
  known: Known;
  due: Due;
  /** Called when log or text have grown. */
  onGrowth(): void;
}

/** Asks one source, and takes what it says into `known`; what follows from it becomes due. Rejects where it cannot be reached. */
export type Sources = Record<keyof Due, () => Promise<void>>;

export function createSources({ store, runs, known, due, onGrowth }: SourcesOptions): Sources {
  const { task } = known;
  /** The log is what was archived, whatever the run had said. */
  let isArchive = false;

  function take(events: readonly LogEvent[]): void {
    if (takeEntries(task, events)) onGrowth();
  }

  /**
   * From the newest known entry on, up to `through` or to the end of what is stored. Where that entry is another one in the store,
   * the run was reset and nobody here has seen it.
   */
  async function readStored(through: number): Promise<void> {
    const newest = task.log.at(-1) as LogEvent;
    let after = newest.seq - 1;
    for (let end = false; !end && lastSeq(task) < through;) {
      const page = await store.readLog(task.taskId, after, PAGE_BYTES);
      const stored = page.events.find(({ seq }) => seq === newest.seq);
      if (stored && !isDeepStrictEqual(stored, newest)) return replaceByStored();
      take(page.events);
      after = page.events.at(-1)?.seq ?? after;
      end = page.end || page.events.length === 0;
    }
  }

  /** The log is what is stored, whatever was known of it. */
  async function replaceByStored(): Promise<void> {
    const { events } = await store.readLog(task.taskId, 0, Infinity);
    if (events.length === 0) return forget();
    rewriteLog(task, events);
    onGrowth();
  }

  function forget(): void {
    task.forgotten = true;
    onGrowth();
  }

  /** A run that continues as new begins behind the log; one that was reset begins in the midst of it. */
  function noticeReset({ runId, firstSeq }: EventsPage): void {
    const isOther = isOtherRun(known, runId);
    const wasReset = isOther && firstSeq <= lastSeq(task);
    if (isOther && known.runId) known.formerRuns.add(known.runId);
    known.runId = runId;
    if (!wasReset) return;
    rewriteLog(task, task.log.slice(0, firstSeq - 1));
    onGrowth();
  }

  return {
    async log() {
      for (let behind = true; behind;) {
        const page = await runs.query(task.taskId, { after: lastSeq(task), maxBytes: PAGE_BYTES });
        known.progress = page.state;
        noticeReset(page);
        // What an earlier workflow run had written was flushed to the store when it continued as new.
        if (page.firstSeq > lastSeq(task) + 1) await readStored(page.firstSeq - 1);
        take(page.events);
        behind = lastSeq(task) < page.lastSeq;
        // What the relay has brought meanwhile stands further on than the answer.
        if (lastSeq(task) <= page.lastSeq)
          known.written.standAt(behind ? null : (page.digest ?? null));
      }
    },

    async heartbeat() {
      const run = await runs.describe(task.taskId);
      known.persistenceError = run.persistenceError;
      // A store that reports failure may have stored the end all the same.
      if (run.persistenceError !== null) due.store = true;
      // What another run says can be joined on once its log is known.
      if (isOtherRun(known, run.runId)) due.log = true;
      else if (run.partial && takePartial(task, run.partial)) onGrowth();
      // A query would wait for that workflow task. Where no worker comes for it, a cancel may have ended the task alone.
      if (run.status !== 'open' || run.workflowTaskPending) {
        due.store = true;
        return;
      }
      if (run.historyLength !== known.historyLength) due.log = true;
      known.historyLength = run.historyLength;
    },

    async store() {
      if (isArchive) return;
      const record = await store.getTask(task.taskId);
      if (!record) return forget();
      known.record = record;
      if (!isTerminal(record.status)) return;
      // What could not be read when the task was ended is not in the archive, though this hub may have it.
      if (!record.log_incomplete) await readStored(record.last_seq);
      if (!record.log_incomplete && hasEnded(task)) return;
      // The run had gone further than what was archived when it was ended from outside.
      await replaceByStored();
      isArchive = true;
    },
  };
}
