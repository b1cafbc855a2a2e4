import { expect } from 'vitest';
import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import { keepReading, type KeptReader } from './kept-reader.ts';
import type { PausedAnswer, Run } from './runs.ts';

/** Readers beside a run's own one, once each has all that the model has said. */
export async function readByMany(
  client: HoldfastClient,
  run: Run,
  { said, readers }: { said: PausedAnswer['said']; readers: number },
): Promise<KeptReader[]> {
  const many = Array.from({ length: readers }, () => keepReading(client, run.taskId));
  await Promise.all(many.map((reader) => reader.untilText(said)));
  return many;
}

/** Each has read the run to its end: its whole log, and its answer without a piece lost or said twice. */
export async function expectReadToEnd(run: Run, readers: readonly KeptReader[]): Promise<void> {
  await Promise.all(readers.map((reader) => reader.ended));
  for (const { entries, transcript } of readers) {
    expect(entries).toEqual(run.reader.entries);
    expect(transcript.text()).toBe(run.answer);
    expect({ gaps: transcript.gaps, doubled: transcript.doubled }).toEqual({ gaps: 0, doubled: 0 });
  }
}
