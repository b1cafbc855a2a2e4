import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Task } from '../../contract/wire.ts';
import { eventually } from '../support/within.ts';
import { membersOf, untilFamilyEnded, type Family } from './open-family.ts';
import type { HaltedFamily } from './family-states.ts';
import { assertTask } from './invariants.ts';
import type { RunService } from './service.ts';

/** The first claim of each conversation: asked for again, it gives the same again. */
const EARLY_CLAIM = { claim_id: 'early', limit: 1 };

/** What can be read of a family that has come to a halt. */
export interface FamilyPicture {
  records: unknown;
  /** What its runs do, but in which attempt. */
  live: unknown;
}

export async function pictureOfFamily(service: RunService, family: Family): Promise<FamilyPicture> {
  return { records: await recordsOf(service, family), live: await liveOf(service, family) };
}

/** What a run does is known as soon as there is a worker that has it. */
export async function assertPicture(
  service: RunService,
  family: Family,
  { records, live }: FamilyPicture,
): Promise<void> {
  expect(await recordsOf(service, family)).toEqual(records);
  const isSame = async () => isDeepStrictEqual(await liveOf(service, family), live);
  await eventually(isSame, 'runs that do what they did').catch(async () =>
    expect(await liveOf(service, family)).toEqual(live),
  );
}

async function recordsOf(service: RunService, { lead }: Family) {
  const { client } = service;
  const { conversationId } = lead;
  const { data } = await client.tree(lead.taskId);
  return {
    tree: data,
    below: await client.list({ parent_task_id: lead.taskId }),
    ofConversation: await client.list({ conversation_id: conversationId }),
    messages: await client.messages(conversationId),
    claimed: await client.claimResults(conversationId, EARLY_CLAIM),
    names: await Promise.all(data.map((task) => nameIn(service, task))),
  };
}

/** How a start is refused that wants the name of a running task. */
async function nameIn({ client }: RunService, { name, status, conversation_id }: Task) {
  if (name === null || conversation_id === null || status !== 'RUNNING') return null;
  const start = client.start({ input: 'Me too.', name, conversation_id });
  return start.catch(({ code }: { code: string }) => code);
}

async function liveOf({ client }: RunService, family: Family) {
  const tasks = await Promise.all(membersOf(family).map(({ taskId }) => client.get(taskId)));
  return tasks.map(({ live }) => live && { ...live, attempt: null });
}

/** What must hold of a family that has ended after a fault, beside what holds of its lead as of every run. */
export async function assertFamily(
  service: RunService,
  { family, place }: HaltedFamily,
): Promise<void> {
  const { lead, reader } = family;
  const ended = untilFamilyEnded(family);
  await ended;
  const { data } = await service.client.tree(lead.taskId);
  expect(data.map(({ id, status }) => `${id} ${status}`).sort()).toEqual(
    membersOf(family)
      .map(({ taskId }) => `${taskId} COMPLETED`)
      .sort(),
  );
  await Promise.all(
    membersOf(family).map(({ taskId, answer }) =>
      assertTask(service, { taskId, answer, reader: { ...reader.of(taskId), ended } }),
    ),
  );
  assertStarted(family);
  await assertDelivered(service, family, place);
}

/** Each child once. */
function assertStarted({ lead, children, reader }: Family): void {
  const { entries } = reader.of(lead.taskId);
  const started = entries.filter((entry) => entry.type === 'child.started');
  expect(started.map(({ data }) => data.task_id).sort()).toEqual(
    children.map(({ taskId }) => taskId).sort(),
  );
}

/** The end of each child is in one place: the last prompt of the lead, or the results of the conversation. */
async function assertDelivered(
  service: RunService,
  { lead, children }: Family,
  place: HaltedFamily['place'],
): Promise<void> {
  const claimed = await claimAll(service, lead.conversationId);
  const prompt = JSON.stringify(service.model.requests(lead.key).at(-1)?.body.messages);
  const places = children.map(({ taskId, answer }) => [
    ...Array<string>(prompt.split(answer).length - 1).fill('read'),
    ...claimed.filter((id) => id === taskId).map(() => 'claimed'),
  ]);
  if (place) expect(places).toEqual(children.map(() => [place]));
  else expect(places.map(({ length }) => length)).toEqual(children.map(() => 1));
}

/** Ids of all results of a conversation, those of the early claim first. */
async function claimAll({ client }: RunService, conversationId: string): Promise<string[]> {
  const early = await client.claimResults(conversationId, EARLY_CLAIM);
  const ids = early.data.map(({ id }) => id);
  for (;;) {
    const { data } = await client.claimResults(conversationId, { claim_id: randomUUID() });
    if (data.length === 0) return ids;
    ids.push(...data.map(({ id }) => id));
  }
}
