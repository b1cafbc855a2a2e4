import type { OpenSystem } from './system.ts';

/** What a system itself has kept of a run, in words; or why that cannot be told. */
export async function describeRecord(system: OpenSystem, runId: string): Promise<string> {
  try {
    const { status, text } = await system.record(runId);
    return `${status}, ${text === null ? 'no text' : `${text.length} characters`}`;
  } catch (error) {
    return String(error);
  }
}
