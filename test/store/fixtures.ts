import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { acceptedEvent } from '../../contract/accepted-event.ts';
import type { EventData, EventType, LogEvent } from '../../contract/events.ts';
import type { TaskRecord } from '../../contract/task.ts';
import { createStore } from '../../store/create-store.ts';
import type { Database } from '../../store/database.ts';
import type { NewTask } from '../../store/new-task.ts';
import type { FinishRequest, Store } from '../../store/store.ts';

/** A store under test, and the database below it. */
export interface Subject {
  store: Store;
  database: Database;
}

export function subjectOf(database: Database): Subject {
  return { store: createStore(database), database };
}

export const newId = (prefix: string) => `${prefix}_${randomUUID().replaceAll('-', '')}`;

/** A task to accept, by an owner of its own unless one is given. */
export function newTask(given: Partial<NewTask> = {}): NewTask {
  return {
    id: newId('task'),
    owner: newId('owner'),
    type: 'agent_run',
    agent: 'default',
    model: null,
    instructions: null,
    name: null,
    description: null,
    input: 'a question',
    conversation_id: null,
    parent: null,
    metadata: {},
    limits: { timeout_seconds: null, max_steps: null },
    ...given,
  };
}

export async function accept(store: Store, given: Partial<NewTask> = {}): Promise<TaskRecord> {
  const accepted = await store.acceptTask(newTask(given));
  if (!accepted) throw new Error('the conversation is foreign');
  return accepted.task;
}

export async function begin(store: Store, given: Partial<NewTask> = {}): Promise<TaskRecord> {
  const task = await accept(store, given);
  await store.beginTask(task.id, 'run-1');
  return { ...task, status: 'RUNNING' };
}

/** An entry of the task's log. */
export function entry<T extends EventType>(
  task: { id: string },
  seq: number,
  of: { type: T; data: EventData[T] },
): LogEvent {
  return { type: of.type, task_id: task.id, seq, at: now(), data: of.data } as LogEvent;
}

export const now = () => new Date().toISOString();

export function spoken(text: string): EventData['turn.final_answer'] {
  const usage = { input_tokens: 3, output_tokens: 5, estimated: false };
  return { step: 1, attempt: 1, blocks: [{ kind: 'text', text }], text, usage };
}

/** The log of a run of one step that answered. */
export function answered(task: TaskRecord, text: string): LogEvent[] {
  return [
    acceptedEvent(task),
    entry(task, 2, { type: 'task.started', data: {} }),
    entry(task, 3, { type: 'turn.started', data: { step: 1 } }),
    entry(task, 4, { type: 'turn.final_answer', data: spoken(text) }),
  ];
}

export function completion(task: TaskRecord, text: string): FinishRequest {
  return { taskId: task.id, end: { status: 'COMPLETED' }, log: answered(task, text), at: now() };
}

export function failure(
  task: TaskRecord,
  log: LogEvent[],
  message = 'the model is gone',
): FinishRequest {
  const failed = { code: 'model_error', message } as const;
  return {
    taskId: task.id,
    end: { status: 'FAILED', failure: failed, error: message },
    log,
    at: now(),
  };
}

/** Runs SQL beside the store: to make what no caller of it can, or to see what it does not show. */
export async function rows<T>({ database }: Subject, text: string): Promise<T[]> {
  const result = await database.query((db) => Promise.resolve(db.execute(sql.raw(text))));
  return (result as { rows: T[] }).rows;
}

export async function wholeLog(store: Store, taskId: string): Promise<LogEvent[]> {
  return (await store.readLog(taskId, 0, Number.MAX_SAFE_INTEGER)).events;
}

export async function messagesOf(store: Store, conversationId: string) {
  return (await store.listMessages(conversationId, { limit: 100, order: 'asc' })).data;
}
