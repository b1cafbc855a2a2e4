import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { isTerminalEvent, type LogEvent, type TerminalEvent } from '../../contract/events.ts';
import type { Task } from '../../contract/wire.ts';
import { eventually } from '../support/within.ts';
import { keepReading, type KeptReader } from './kept-reader.ts';
import type { Run } from './runs.ts';
import type { RunService } from './service.ts';

/** What must hold after every fault, once the given runs have ended. */
export async function assertInvariants(service: RunService, runs: readonly Run[]): Promise<void> {
  await Promise.all(runs.map((run) => assertRun(service, run)));
  await assertOneWorkflowEach(service);
  expect(service.model.problems, 'requests that no script holds').toEqual([]);
}

async function assertRun(service: RunService, run: Run): Promise<void> {
  const { client } = service;
  const again = await client.start(run.request, { idempotencyKey: run.idempotencyKey });
  expect(again.id, 'a repeated start').toBe(run.taskId);
  const { data } = await client.list({ conversation_id: run.conversationId });
  // Those that an agent has started stand beside its own.
  expect(data.filter(({ parent }) => !parent).map(({ id }) => id)).toEqual([run.taskId]);
  await assertMessages(service, run, await assertTask(service, run));
  if (run.cancelledAt !== undefined) assertSilentAfterCancel(service, run, run.cancelledAt);
}

/** A task with what a reader has who was there from the start. */
interface ReadTask extends Pick<Run, 'taskId' | 'answer'> {
  reader: Pick<KeptReader, 'entries' | 'transcript' | 'ended'>;
}

/** Of an ended task: record, log and readers agree, and it has said its script's answer. */
export async function assertTask(service: RunService, run: ReadTask): Promise<Task> {
  const task = await service.client.get(run.taskId);
  const log = await readLog(service, run.taskId);
  assertLog(task, log);
  const text = textOf(task);
  const end = log.at(-1) as TerminalEvent;
  expect(end.data.text_sha256).toBe(createHash('sha256').update(text).digest('hex'));
  expect(end.data.text_length).toBe(text.length);
  if (task.status === 'COMPLETED') expect(text).toBe(run.answer);
  else expect(run.answer.startsWith(text), `"${text}" is a prefix of the answer`).toBe(true);
  await assertReaders(service, run, { log, text });
  return task;
}

/** Numbered 1, 2, 3 … without a hole, and with one terminal event, at its end. */
function assertLog(task: Task, log: readonly LogEvent[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, n) => n + 1));
  expect(log.filter(isTerminalEvent).map(({ seq }) => seq)).toEqual([task.last_seq]);
  const calls = log.flatMap((event) =>
    event.type === 'turn.attempt_failed' ? [`${event.data.step}.${event.data.attempt}`] : [],
  );
  expect(new Set(calls).size, 'an attempt fails once').toBe(calls.length);
}

/** The question, and the text where there is any. */
async function assertMessages({ client }: RunService, run: Run, task: Task): Promise<void> {
  const { data } = await client.messages(run.conversationId);
  const text = textOf(task);
  expect(data.map(({ role, content, partial }) => ({ role, content, partial }))).toEqual([
    { role: 'user', content: run.request.input, partial: false },
    ...(text ? [{ role: 'assistant', content: text, partial: task.status === 'FAILED' }] : []),
  ]);
}

/** Who kept the cursor has the same log as who comes now, and both have the stored text. */
async function assertReaders(
  { client }: RunService,
  { taskId, reader }: ReadTask,
  { log, text }: { log: LogEvent[]; text: string },
): Promise<void> {
  const fresh = keepReading(client, taskId);
  await Promise.all([reader.ended, fresh.ended]);
  expect(reader.entries).toEqual(log);
  expect(fresh.entries).toEqual(log);
  for (const { transcript } of [reader, fresh]) {
    expect(transcript.text()).toBe(text);
    expect({ gaps: transcript.gaps, doubled: transcript.doubled }).toEqual({ gaps: 0, doubled: 0 });
  }
}

function assertSilentAfterCancel({ model }: RunService, { key }: Run, cancelledAt: number): void {
  const late = model.requests(key).filter(({ arrivedAt }) => arrivedAt > cancelledAt);
  expect(late, 'model calls after an acknowledged cancel').toEqual([]);
}

/** Every task that Temporal has not lost has one workflow; it is open while the task is RUNNING, and then closed as the task is. */
async function assertOneWorkflowEach(service: RunService): Promise<void> {
  const tasks = await allTasks(service);
  const expected = tasks
    .filter(({ failure }) => failure?.code !== 'orphaned')
    .map((task) => `${task.id} ${workflowStatusOf(task)}`);
  const query = `WorkflowType = 'agentRun' AND TaskQueue = '${service.taskQueue}' AND ExecutionStatus != 'ContinuedAsNew'`;
  let found: string[] = [];
  const same = async () => {
    found = [];
    for await (const { workflowId, status } of service.operator.workflow.list({ query })) {
      found.push(`${workflowId} ${status.name}`);
    }
    return found.toSorted().join() === expected.toSorted().join();
  };
  // Visibility is behind by a moment.
  await eventually(same, 'a workflow per task').catch(() =>
    expect(found.toSorted()).toEqual(expected.toSorted()),
  );
}

function workflowStatusOf({ status, failure }: Task): string {
  if (status === 'PENDING' || status === 'RUNNING') return 'RUNNING';
  if (status === 'COMPLETED') return 'COMPLETED';
  return failure?.code === 'cancelled' ? 'CANCELLED' : 'FAILED';
}

async function allTasks({ client }: RunService): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await client.list({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    tasks.push(...page.data);
    cursor = page.next_cursor;
  }
  return tasks;
}

/** The answer, or the partial output of a run that ended early; empty where there is none. */
function textOf({ output, partial_output }: Task): string {
  return output && 'text' in output ? output.text : (partial_output ?? '');
}

/** The log as JSON, page by page. */
export async function readLog({ url }: RunService, taskId: string): Promise<LogEvent[]> {
  const log: LogEvent[] = [];
  for (let next = '0', terminal = false; !terminal;) {
    const query = new URLSearchParams({ after: next, limit: '5' });
    const response = await fetch(`${url}/v1/tasks/${taskId}/events?${query}`, {
      headers: { Accept: 'application/json' },
    });
    const page = (await response.json()) as { data: LogEvent[]; next: string; terminal: boolean };
    log.push(...page.data);
    ({ next, terminal } = page);
    if (page.data.length === 0 && !terminal) break;
  }
  return log;
}
