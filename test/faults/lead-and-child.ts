import { expect } from 'vitest';
import { CHILD_END_SIGNAL } from '../../contract/children.ts';
import type { Task } from '../../contract/wire.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { eventually, within } from '../support/within.ts';
import { call, inBackground, untilWaiting } from '../workflow/family.ts';
import { assertInvariants, assertTask } from './invariants.ts';
import { keepReading, type KeptReader } from './kept-reader.ts';
import { startRun, untilEnded, type Run } from './runs.ts';
import type { RunService } from './service.ts';
import type { Seeded } from './text.ts';

/** Key at the model server of all children: `MODEL` names it, so that they speak by a script of their own. */
const CHILD_KEY = 'child';
export const CHILD_SETTINGS = { MODEL: `openai-compatible/${CHILD_KEY}` };

/** A lead that starts one child in the background. */
export interface LeadAndChild {
  lead: Run;
  /** The lead waits for the child's end, and reads it; else it ends at once. */
  waits: boolean;
  /** What the child says in the end. */
  word: string;
  /** Lets the lead start it. */
  spawn: Gate;
  /** The child is at work, and answers once this is open. */
  answer: Gate;
  /** How many calls of children there were before. */
  callsBefore: number;
}

export async function startLeadAndChild(
  service: RunService,
  seed: Seeded,
  { waits = true } = {},
): Promise<LeadAndChild> {
  const [spawn, answer] = [gate(), gate()];
  const [word, said] = [seed.text(8), seed.text(8)];
  const turns: Turn[] = [
    // Without a name, which alone would keep a second one away.
    [{ gate: spawn }, inBackground('default', { name: undefined })],
    ...(waits ? [[call('wait_for_tasks')]] : []),
    [{ say: said, pieces: 5 }],
  ];
  service.model.script(CHILD_KEY, [[{ gate: answer }, { say: word, pieces: 5 }]]);
  const callsBefore = service.model.calls(CHILD_KEY);
  const lead = await startRun(service, { answer: said, turns, agent: 'lead' });
  return { lead, waits, word, spawn, answer, callsBefore };
}

export async function childrenOf({ client }: RunService, { lead }: LeadAndChild): Promise<Task[]> {
  return (await client.list({ parent_task_id: lead.taskId })).data;
}

/** Reads the child from now on. */
export async function readChild(service: RunService, family: LeadAndChild): Promise<KeptReader> {
  const child = async () => (await childrenOf(service, family))[0];
  const { id } = await eventually(child, 'the child');
  return keepReading(service.client, id);
}

/** Lets the lead start the child, and waits until it is at work, and the lead waits or has ended. */
export async function untilAtWork({ operator }: RunService, family: LeadAndChild): Promise<void> {
  const { lead, waits, spawn, answer } = family;
  spawn.open();
  await within(answer.reached, () => 'the child to be at work');
  if (waits) await untilWaiting({ client: operator }, lead.taskId);
  else await untilEnded([lead]);
}

/** Ends of children that Temporal was asked to bring to the lead, those that came twice too. */
export async function endsTold({ operator }: RunService, { lead }: LeadAndChild): Promise<number> {
  const { events } = await operator.workflow.getHandle(lead.taskId).fetchHistory();
  const signals = events?.map((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
  return signals.filter((signal) => signal?.signalName === CHILD_END_SIGNAL).length;
}

/** Lead and child have ended; there was one child, which was asked once, and whose end is in one place. */
export async function expectOneChild(
  service: RunService,
  family: LeadAndChild,
  reader: KeptReader,
): Promise<void> {
  const { lead, waits, word, callsBefore } = family;
  await untilEnded([lead]);
  await reader.ended;
  const [child, ...others] = await childrenOf(service, family);
  expect(others).toEqual([]);
  const { id: taskId, status } = child!;
  expect(status).toBe('COMPLETED');
  await assertTask(service, { taskId, answer: word, reader });
  expect(service.model.calls(CHILD_KEY) - callsBefore).toBe(1);

  expect((await service.client.get(lead.taskId)).status).toBe('COMPLETED');
  const told = lead.reader.entries.filter(({ type }) => type.startsWith('child.'));
  expect(told.map(({ type, data }) => [type, 'task_id' in data && data.task_id])).toEqual([
    ['child.started', taskId],
    ...(waits ? [['child.completed', taskId]] : []),
  ]);
  const prompt = JSON.stringify(service.model.requests(lead.key).at(-1)?.body.messages);
  expect(prompt.split(JSON.stringify(word).slice(1, -1))).toHaveLength(waits ? 2 : 1);
  expect(await claim(service, lead, 'first')).toEqual(waits ? [] : [taskId]);
  expect(await claim(service, lead, 'second')).toEqual([]);
  await assertInvariants(service, [lead]);
}

async function claim(
  { client }: RunService,
  { conversationId }: Run,
  claim_id: string,
): Promise<string[]> {
  const { data } = await client.claimResults(conversationId, { claim_id });
  return data.map(({ id }) => id);
}
