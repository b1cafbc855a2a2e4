import { isDeepStrictEqual } from 'node:util';
import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { LogEvent } from '../../contract/events.ts';
import { sha256, type Finding } from './proof.ts';
import { endOf, textOf, type FamilyReader } from './read-family.ts';

/** What a reader of the conversation had through all cuts, beside the log of each task. */
export async function proveFeed(client: HoldfastClient, reader: FamilyReader): Promise<Finding[]> {
  const names = [...reader.ids.keys()];
  const logs = await Promise.all([...reader.ids.values()].map((id) => logOf(client, id)));
  const whole = [...reader.ids.values()].filter((id, index) =>
    isDeepStrictEqual(reader.entries.get(id), logs[index]),
  );
  const transcripts = [...reader.transcripts.tasks.values()];
  const gaps = transcripts.reduce((sum, transcript) => sum + transcript.gaps, 0);
  const doubled = transcripts.reduce((sum, transcript) => sum + transcript.doubled, 0);
  const agreeing = names.filter(
    (name) => endOf(reader, name)?.data.text_sha256 === sha256(textOf(reader, name)),
  );
  return [
    {
      holds: reader.cuts === 4,
      text: `it was cut ${reader.cuts} times, once with its server, and resumed with one cursor for all tasks`,
    },
    {
      holds: true,
      text: `attempts withdrawn by turn.reset: ${reader.resets} (those whose process was killed)`,
    },
    {
      holds: whole.length === 4 && logs.length === 4,
      text: `entries: ${logs.flat().length} of ${logs.length} tasks, each once and in order, as their logs have them`,
    },
    {
      holds: gaps === 0 && doubled === 0,
      text: `characters missing before a delta: ${gaps}; sent twice: ${doubled}`,
    },
    {
      holds: agreeing.length === 4,
      text: `SHA-256 of the text put together is the one in the last entry: of ${agreeing.join(', ')}`,
    },
  ];
}

/** The log of an ended task, from a feed of its own. */
async function logOf(client: HoldfastClient, taskId: string): Promise<LogEvent[]> {
  const entries: LogEvent[] = [];
  for await (const { frame } of client.events(taskId, { deltas: false }))
    if ('seq' in frame && frame.type !== 'snapshot') entries.push(frame);
  return entries;
}
