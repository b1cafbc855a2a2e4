import { createHash } from 'node:crypto';
import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { Receipt, Task } from '../../contract/wire.ts';
import type { Reader } from './read-run.ts';

/** One thing that was to be shown, and whether it was so. */
export interface Finding {
  holds: boolean;
  text: string;
}

/** What a run has left behind. */
interface Remains {
  task: Task;
  stored: string[];
  partial: boolean;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The run that was killed in mid-sentence. `shown`: what its reader had by then. */
export async function proveSurvival(
  client: HoldfastClient,
  taskId: string,
  { reader, shown }: { reader: Reader; shown: string },
): Promise<Finding[]> {
  const { task, stored, partial } = await remainsOf(client, taskId);
  const text = reader.transcript.text();
  const hash = sha256(text);
  const { gaps, doubled } = reader.transcript;
  return [
    {
      holds: task.status === 'COMPLETED' && text.startsWith(shown) && text.length > shown.length,
      text: `the run is ${task.status}: ${text.length} characters, ${shown.length} of them shown before the kill`,
    },
    ...textFindings(reader, hash),
    {
      holds: stored.length === 1 && sha256(stored[0] ?? '') === hash && !partial,
      text: 'and that of the one message that the conversation keeps',
    },
    {
      holds: gaps === 0 && doubled === 0,
      text: `characters missing before a delta: ${gaps}; sent twice: ${doubled}`,
    },
    {
      holds: reader.resets === 1,
      text: `attempts withdrawn by turn.reset: ${reader.resets} (the one whose process was killed)`,
    },
  ];
}

/** The run that was cancelled in mid-sentence. */
export async function proveCancel(
  client: HoldfastClient,
  taskId: string,
  { reader, receipt }: { reader: Reader; receipt: Receipt },
): Promise<Finding[]> {
  const { task, stored, partial } = await remainsOf(client, taskId);
  const text = reader.transcript.text();
  return [
    {
      holds: receipt.outcome === 'cancelled' && task.failure?.code === 'cancelled',
      text: `the run is ${task.status}, ${task.failure?.code}: "${task.failure?.message}"`,
    },
    {
      holds: receipt.stop_latency_ms !== null,
      text: `it had stopped ${receipt.stop_latency_ms} ms after the request, says the receipt`,
    },
    {
      holds: text !== '' && receipt.partial_output === text && task.partial_output === text,
      text: `the partial is kept: ${text.length} characters, exactly what the reader was shown`,
    },
    ...textFindings(reader, sha256(text)),
    {
      holds: stored.length === 1 && stored[0] === text && partial,
      text: 'and that of the message in the conversation, which is marked as partial',
    },
  ];
}

function textFindings({ terminal }: Reader, hash: string): Finding[] {
  return [
    {
      holds: true,
      text: `SHA-256 of the text that the reader put together: ${hash.slice(0, 16)}…`,
    },
    {
      holds: terminal?.data.text_sha256 === hash,
      text: `is the one in the ${terminal?.type} event`,
    },
  ];
}

async function remainsOf(client: HoldfastClient, taskId: string): Promise<Remains> {
  const task = await client.get(taskId);
  const { data } = await client.messages(task.conversation_id ?? '');
  const answers = data.filter(({ role }) => role === 'assistant');
  return {
    task,
    stored: answers.map(({ content }) => (typeof content === 'string' ? content : '')),
    partial: answers.some((answer) => answer.partial),
  };
}
