import { createHash } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { expect } from 'vitest';
import { newId } from '../../api/ids.ts';
import { isTerminalEvent, type LogEvent, type LogEventOf } from '../../contract/events.ts';
import { cancelMessage } from '../../contract/failures.ts';
import type { Partial as Said } from '../../contract/frames.ts';
import { LOCAL_OWNER } from '../../contract/names.ts';
import type { TaskRecord } from '../../contract/task.ts';
import { textOf } from '../../contract/text.ts';
import type { Task } from '../../contract/wire.ts';
import type { NewTask } from '../../store/new-task.ts';
import { entriesOf, type FeedReader } from '../support/feed-reader.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import type { Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';

/** What the scripted model says before it is interrupted; its words come in several pieces. */
export const PARTIAL = 'The answer is not quite what you expect: 𝒻orty';
/** What it would have said then. */
export const REST = '-two, of course.';

/** For a cancel whose receipt must know the end, however busy the machine is. */
export const PATIENT = { wait_ms: 20_000 };

export function newConversation(): string {
  return newId('conv');
}

/** A turn that says `PARTIAL` and waits; behind the gate comes `REST`. */
export function halfAnswer(held: Gate = gate()): Turn {
  return [{ say: PARTIAL, pieces: 5, everyMs: 2 }, { gate: held }, { say: REST }];
}

export interface StreamingRun {
  id: string;
  /** The model's key at the model server. */
  key: string;
  conversation: string;
  reader: FeedReader;
}

/** A run in a conversation of its own, once its reader shows `PARTIAL`. `above`: the task below which it is started. */
export async function streamingRun(
  rig: Rig,
  turns: Turn[] = [halfAnswer()],
  above?: { id: string },
): Promise<StreamingRun> {
  const { model, key } = rig.script(...turns);
  const conversation = newConversation();
  const { id } = await rig.start({
    input: 'How?',
    model,
    conversation_id: conversation,
    ...(above && { parent: { task_id: above.id } }),
  });
  const reader = await rig.read(id);
  await reader.untilTrue(() =>
    [...reader.screen.steps.keys()].some((step) => reader.screen.text(step) === PARTIAL),
  );
  return { id, key, conversation, reader };
}

/** Accepts a task as an API does that dies before it has told Temporal. */
export async function acceptOnly(rig: Rig, fields: Partial<NewTask>): Promise<TaskRecord> {
  const accepted = await rig.store.acceptTask({
    id: newId('task'),
    owner: LOCAL_OWNER,
    type: 'agent_run',
    agent: 'default',
    model: null,
    instructions: null,
    name: null,
    description: null,
    input: 'How?',
    conversation_id: null,
    parent: null,
    metadata: {},
    limits: { timeout_seconds: null, max_steps: null },
    ...fields,
  });
  if (!accepted) throw new Error('not accepted');
  return accepted.task;
}

/** Until a heartbeat holds `PARTIAL`: what was said after the last one goes down with whoever knew it. */
export async function untilHeartbeat(rig: Rig, id: string): Promise<void> {
  await eventually(async () => {
    const { raw } = await rig.client.workflow.getHandle(id).describe();
    const payload = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.[0];
    return payload && textOf(defaultPayloadConverter.fromPayload<Said>(payload).blocks) === PARTIAL;
  }, 'a heartbeat with the partial');
}

/** The whole log as JSON, read through the API. */
export async function logOf(rig: Rig, id: string): Promise<LogEvent[]> {
  const path = `/v1/tasks/${id}/events?limit=100`;
  const { body } = await rig.request<{ data: LogEvent[] }>('GET', path, undefined, {
    Accept: 'application/json',
  });
  return body.data;
}

export interface ExpectedEnd {
  /** The partial output that is kept, or null where there is none. */
  partial: string | null;
  reason?: string | null;
  /** Conversation of the task: it then holds the input and, at most, the partial. */
  conversation?: string | null;
  /** A reader that was connected all the time. */
  reader?: FeedReader;
}

/** One end, everywhere the same: record, log, feed, messages and workflow say that the run was cancelled, and nothing more. */
export async function expectCancelled(rig: Rig, id: string, expected: ExpectedEnd): Promise<void> {
  const { partial, conversation, reader } = expected;
  const message = cancelMessage(expected.reason ?? null);
  const task = await rig.untilEnd(id);
  expect(task).toMatchObject({
    status: 'FAILED',
    failure: { code: 'cancelled', message },
    output: null,
    partial_output: partial,
  });
  const log = await logOf(rig, id);
  expectOneEnd(log, task);
  const end = log.at(-1) as LogEventOf<'task.failed'>;
  expect(end).toMatchObject({
    type: 'task.failed',
    data: { failure: task.failure, error: message },
  });
  expect(end.data).toMatchObject({
    partial_output: partial,
    text_length: (partial ?? '').length,
    text_sha256: createHash('sha256')
      .update(partial ?? '')
      .digest('hex'),
  });
  if (conversation) await expectPartialMessage(rig, conversation, partial);
  if (reader) {
    await reader.ended;
    expect(entriesOf(reader.frames)).toEqual(log);
  }
  await untilClosed(rig, id, 'CANCELLED');
}

/** The log is numbered without holes, ends once, and its length is the record's. */
export function expectOneEnd(log: readonly LogEvent[], task: Task): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  expect(log.filter(isTerminalEvent)).toHaveLength(1);
  expect(isTerminalEvent(log.at(-1)!)).toBe(true);
  expect(task.last_seq).toBe(log.length);
}

async function expectPartialMessage(
  rig: Rig,
  conversation: string,
  partial: string | null,
): Promise<void> {
  const answers = (await rig.messages(conversation)).filter(({ role }) => role === 'assistant');
  expect(answers.map(({ content, partial: kept }) => ({ content, kept }))).toEqual(
    partial === null ? [] : [{ content: partial, kept: true }],
  );
}

/** The record ends a moment before its workflow closes. */
export async function untilClosed(rig: Rig, id: string, status: string): Promise<void> {
  await eventually(async () => (await rig.workflowStatus(id)) !== 'RUNNING', `${id} to close`);
  expect(await rig.workflowStatus(id)).toBe(status);
}
