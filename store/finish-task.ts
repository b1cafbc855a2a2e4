import { eq } from 'drizzle-orm';
import { acceptedEvent } from '../contract/accepted-event.ts';
import type { LogEvent, TerminalEvent } from '../contract/events.ts';
import { progressOf } from '../contract/progress.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { Queries } from './database.ts';
import { TaskAbsent } from './errors.ts';
import { insertMessages } from './messages.ts';
import { markTaken } from './parent-news.ts';
import { only, toTask } from './rows.ts';
import type { FinishRequest, FinishResult } from './store.ts';
import {
  assertContiguous,
  dropRewritten,
  insertSegments,
  readTerminalEvent,
  readWholeLog,
} from './task-log.ts';
import { tasks } from './task-table.ts';
import { lockTask } from './tasks.ts';
import { terminalEvent, textOfEnd } from './terminal-event.ts';
import { lockConversationOf, passTurn } from './turns.ts';

/** `Store.finishTask`. Throws `TaskAbsent`. */
export async function finishTask(tx: Queries, request: FinishRequest): Promise<FinishResult> {
  await lockConversationOf(tx, request.taskId);
  const task = await lockTask(tx, request.taskId);
  if (!task) throw new TaskAbsent(`task ${request.taskId} is not in the store`);
  if (isTerminal(task.status)) {
    const event = await readTerminalEvent(tx, task.id);
    // Whoever has ended the task may have known less of what it had read.
    await markTaken(tx, task.id, [...request.log, event]);
    return { won: false, event, task, next: null };
  }
  const ended = await endTask(tx, task, request);
  return { won: true, ...ended, next: await passTurn(tx, task.conversation_id) };
}

/** Ends a locked task that has not ended: log, message and record. Its turn is the caller's to pass on. */
export async function endTask(
  tx: Queries,
  task: TaskRecord,
  request: Omit<FinishRequest, 'taskId'>,
): Promise<{ event: TerminalEvent; task: TaskRecord }> {
  const { log: events, logIncomplete = false } = request;
  const stays = logIncomplete ? null : await dropRewritten(tx, task, { events, isWhole: true });
  const lastSeq = stays ?? task.last_seq;
  const fresh = freshEntries({ ...task, last_seq: lastSeq }, request);
  const stored = lastSeq > 0 ? await readWholeLog(tx, task.id) : [];
  const log = [...stored, ...fresh];
  const event = terminalEvent(task, log, request);
  await insertSegments(tx, task.id, [...fresh, event]);
  await markTaken(tx, task.id, [...log, event]);
  await insertAnswer(tx, task, event);
  const ended = await tx
    .update(tasks)
    .set({
      ...endOf(event, progressOf(log)),
      queued: null,
      log_incomplete: request.logIncomplete ?? false,
    })
    .where(eq(tasks.id, task.id))
    .returning();
  return { event, task: toTask(only(ended)) };
}

/** What the store does not have yet. No log begins with anything but `task.accepted`. */
function freshEntries(task: TaskRecord, request: Omit<FinishRequest, 'taskId'>): LogEvent[] {
  const fresh = request.log.filter((event) => event.seq > task.last_seq);
  if (task.last_seq === 0 && fresh[0]?.seq !== 1) fresh.unshift(acceptedEvent(task));
  if (!request.logIncomplete) assertContiguous(fresh, task.last_seq);
  return fresh;
}

async function insertAnswer(tx: Queries, task: TaskRecord, event: TerminalEvent): Promise<void> {
  const text = textOfEnd(event);
  if (task.conversation_id === null || task.detached || text === '') return;
  const answer = {
    conversation_id: task.conversation_id,
    task_id: task.id,
    role: 'assistant' as const,
    ordinal: task.ordinal,
    turn: task.turn,
    content: text,
    partial: event.type === 'task.failed',
    rolled_back: task.rolled_back,
    created_at: event.at,
  };
  await insertMessages(tx, [answer]);
}

/** The columns in which the record repeats its log's last entry, and how far a task was that has not completed. */
function endOf(event: TerminalEvent, progress: number): Partial<typeof tasks.$inferInsert> {
  const always = { usage: event.data.usage, last_seq: event.seq, finished_at: event.at };
  if (event.type === 'task.completed') {
    return { ...always, status: 'COMPLETED', progress: 1, output: event.data.output };
  }
  const { failure, partial_output } = event.data;
  return {
    ...always,
    status: 'FAILED',
    progress,
    failure_code: failure.code,
    failure_message: failure.message,
    partial_output,
  };
}
