import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { LogEvent, TerminalEvent } from '../../contract/events.ts';
import { isTerminalEvent } from '../../contract/events.ts';
import type { FailureCode } from '../../contract/failures.ts';
import type { Message } from '../../contract/task.ts';
import type { Task } from '../../contract/wire.ts';
import { entriesOf, type FeedReader } from '../support/feed-reader.ts';
import type { Rig } from '../support/rig.ts';

export interface Left {
  /** What a run that completed answered, or what is kept of a run that failed; null: nothing. */
  text: string | null;
  /** Null: the run completed. */
  code: FailureCode | null;
  /** A reader that was connected all the time. */
  reader?: FeedReader;
}

/**
 * What a run left behind, everywhere the same: record, archived log, terminal event with length and hash, stored
 * message, and the feed of a reader. Gives the record.
 */
export async function expectLeft(rig: Rig, id: string, left: Left): Promise<Task> {
  const { text, code, reader } = left;
  const task = await rig.untilEnd(id);
  expect(task).toMatchObject({
    status: code === null ? 'COMPLETED' : 'FAILED',
    output: code === null ? { text } : null,
    partial_output: code === null ? null : text,
  });
  expect(task.failure?.code ?? null).toBe(code);

  const log = await archiveOf(rig, id);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  expect(log.filter(isTerminalEvent)).toHaveLength(1);
  expectTerminal(log.at(-1) as TerminalEvent, text ?? '', task);

  if (task.conversation_id !== null) {
    expect(await answersOf(rig, task)).toEqual(
      text === null ? [] : [{ role: 'assistant', content: text, partial: code !== null }],
    );
  }
  if (reader) {
    await reader.ended;
    expect(entriesOf(reader.frames)).toEqual(log);
  }
  return task;
}

/** The log as the store has archived it. */
export async function archiveOf(rig: Rig, id: string): Promise<LogEvent[]> {
  return (await rig.store.readLog(id, 0, Infinity)).events;
}

/** SHA-256 of the text's UTF-8, in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function expectTerminal(event: TerminalEvent, text: string, task: Task): void {
  expect(event).toMatchObject({
    type: task.status === 'COMPLETED' ? 'task.completed' : 'task.failed',
    seq: task.last_seq,
    data: { text_length: text.length, text_sha256: sha256(text), usage: task.usage },
  });
}

/** The task's own assistant messages. */
async function answersOf(
  rig: Rig,
  task: Task,
): Promise<Pick<Message, 'role' | 'content' | 'partial'>[]> {
  const messages = await rig.messages(task.conversation_id ?? '');
  return messages
    .filter((message) => message.task_id === task.id && message.role === 'assistant')
    .map(({ role, content, partial }) => ({ role, content, partial }));
}
