import { isDeepStrictEqual } from 'node:util';
import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { Finding } from './proof.ts';
import { entriesOf, textOf, type FamilyReader } from './read-family.ts';

/** 7^10, which `powers` was asked for by message only. */
const ASKED_BY_MESSAGE = '282475249';

/** What became of the lead and of the three that it has started. */
export async function proveFamily(
  client: HoldfastClient,
  reader: FamilyReader,
): Promise<Finding[]> {
  return [
    await together(client, reader),
    ...(await cancelled(client, reader)),
    progress(reader),
    messaged(reader),
    ...(await delivered(client, reader)),
    answered(reader),
    await nothingRuns(client, reader),
  ];
}

const idOf = ({ ids }: FamilyReader, name: string) => ids.get(name) ?? '';

async function together(client: HoldfastClient, reader: FamilyReader): Promise<Finding> {
  const leadId = idOf(reader, 'lead');
  const { data } = await client.tree(leadId);
  const [lead, ...children] = data;
  const names = children.map(({ name }) => name);
  return {
    holds:
      lead?.status === 'COMPLETED' &&
      isDeepStrictEqual(names, ['essay', 'sums', 'powers']) &&
      children.every(({ parent }) => parent?.task_id === leadId),
    text: `lead is ${lead?.status}; below it are, each once: ${children.map(({ name, status }) => `${name} (${status})`).join(', ')}`,
  };
}

/** Asked again, an ended task gives the receipt of the cancel that has ended it. */
async function cancelled(client: HoldfastClient, reader: FamilyReader): Promise<Finding[]> {
  const { failure, partial_output } = await client.get(idOf(reader, 'essay'));
  const receipt = await client.cancel(idOf(reader, 'essay'));
  const text = textOf(reader, 'essay');
  return [
    {
      holds: failure?.code === 'cancelled' && failure.message.includes('the sums are enough'),
      text: `essay was cancelled by lead, with its reason: "${failure?.message}"`,
    },
    {
      holds: text !== '' && partial_output === text && receipt.partial_output === text,
      text: `its partial is kept: ${text.length} characters, exactly what the reader was shown`,
    },
    {
      holds: receipt.outcome === 'already_terminal' && receipt.stop_latency_ms !== null,
      text: `it had stopped ${receipt.stop_latency_ms} ms after that, says its receipt`,
    },
  ];
}

function progress(reader: FamilyReader): Finding {
  const emitted = entriesOf(reader, 'sums', 'task.custom').map(({ data }) => data.payload);
  const told = entriesOf(reader, 'lead', 'child.custom').map(({ data }) => data.payload);
  const done = emitted.map((payload) => (payload as { done?: number }).done);
  return {
    holds: isDeepStrictEqual(done, [1, 2, 3, 4]) && isDeepStrictEqual(told, emitted),
    text: `sums has emitted its progress ${emitted.length} times; lead was told each once, in order`,
  };
}

function messaged(reader: FamilyReader): Finding {
  const messages = entriesOf(reader, 'powers', 'task.message');
  const answer = textOf(reader, 'powers');
  return {
    holds:
      messages.length === 1 &&
      messages[0]?.data.from === 'lead' &&
      answer.includes(ASKED_BY_MESSAGE),
    text: `powers has read the message of ${messages[0]?.data.from}: its answer has 7^10 = ${ASKED_BY_MESSAGE}`,
  };
}

/** An end is told to the parent, or it is a result of the conversation. */
async function delivered(client: HoldfastClient, reader: FamilyReader): Promise<Finding[]> {
  const ends = entriesOf(reader, 'lead', 'child.completed', 'child.failed', 'child.cancelled');
  const told = ends.map(({ type, data }) => `${data.name} ${type.replace('child.', '')}`).sort();
  const lead = await client.get(idOf(reader, 'lead'));
  const claim = { claim_id: crypto.randomUUID() };
  const claimed = await client.claimResults(lead.conversation_id ?? '', claim);
  return [
    {
      holds: isDeepStrictEqual(told, ['essay cancelled', 'powers completed', 'sums completed']),
      text: `lead was told each end once: ${told.join(', ')}`,
    },
    {
      holds: claimed.data.length === 0,
      text: `so the conversation has none of them to be claimed: ${claimed.data.length}`,
    },
  ];
}

function answered(reader: FamilyReader): Finding {
  const answer = textOf(reader, 'lead');
  const parts = ['1763', ASKED_BY_MESSAGE, 'the sums are enough'];
  const found = parts.filter((part) => answer.includes(part));
  return {
    holds: found.length === parts.length,
    text: `the answer of lead puts the three together: it has ${found.join(', ')}`,
  };
}

async function nothingRuns(client: HoldfastClient, reader: FamilyReader): Promise<Finding> {
  const { outcome, children } = await client.cancel(idOf(reader, 'lead'));
  return {
    holds: outcome === 'already_terminal' && children.length === 0,
    text: `nothing runs any more: a cancel of the whole tree says ${outcome}`,
  };
}
