import { setTimeout as sleep } from 'node:timers/promises';
import { observe, observeRun } from '../observe-run.ts';
import { watchUsage } from '../process-usage.ts';
import { newSpec, type Scenario, type Scene } from '../scenario.ts';
import { openSse, type SseResponse } from '../sse.ts';
import type { Chunk } from '../system.ts';
import { isHoldfast, toChunks, type OpenHoldfast } from '../systems/holdfast.ts';
import { createTranscript, findFaults } from '../transcript.ts';

/** Longer than a reader may leave what was written for it. */
const BEHIND_DEADLINE_MS = 40_000;
/** More than the kernel's buffers of a connection hold, so that the rest is up to the process that writes. */
const LONG = { steps: 32, tokens: 32, tokenLength: 8_192, intervalMs: 5 };

/** Readers that open a feed of many megabytes and take nothing of it; later they take what is there, and resume. Holdfast only. */
export const slowReader: Scenario = {
  title: 'Readers that do not read',
  grows: { size: 'readers', from: 12 },
  async measure(scene) {
    const { system, model, size } = scene;
    if (!isHoldfast(system)) throw new Error('only for Holdfast');
    const alone = await watchUsage(system.pids);
    await observeRun(system, newSpec(size, LONG));
    const { maxMiB: maxAloneMiB } = await alone.stop();

    const usage = await watchUsage(system.pids);
    const spec = newSpec(size, LONG);
    const { runId, stuck } = await runBesideStuckReaders(system, scene, spec);
    await sleep(BEHIND_DEADLINE_MS);
    const { maxMiB } = await usage.stop();

    let cutOff = 0;
    let lost = 0;
    const calls = await model.calls(spec.key);
    for (const response of stuck) {
      const taken = await takeWhatIsThere(response);
      const after = taken.findLast(({ id }) => id !== null)?.id;
      const { signal } = new AbortController();
      const rest: Chunk[] = [];
      const resumed = system.read(runId, { signal, ...(after && { after }) });
      for await (const chunk of resumed) rest.push(chunk);
      if (rest.length > 0) cutOff += 1;
      const transcript = createTranscript();
      for (const chunk of [...taken, ...rest]) transcript.add(chunk);
      lost += findFaults(transcript.tokens, spec, calls).lost;
    }
    return {
      memoryWithoutThemMiB: maxAloneMiB,
      memoryWithThemMiB: maxMiB,
      memoryPerReaderKiB: (((maxMiB ?? 0) - (maxAloneMiB ?? 0)) * 1_024) / stuck.length,
      textKiB: (spec.steps * spec.tokens * spec.tokenLength) / 1_024,
      cutOff,
      notCutOff: stuck.length - cutOff,
      lostAfterResume: lost,
    };
  },
};

/** Resolves when the run has ended for the one who started it. */
async function runBesideStuckReaders(
  system: OpenHoldfast,
  { size }: Scene,
  spec: ReturnType<typeof newSpec>,
) {
  const { signal } = new AbortController();
  const { runId, chunks } = await system.start(spec, signal);
  const url = `${system.processes.apiUrls.at(-1)}/v1/tasks/${runId}/events`;
  // What is opened and not iterated over is not read.
  const stuck = await Promise.all(
    Array.from({ length: size.readers ?? 50 }, () => openSse(url, { signal })),
  );
  const { transcript, problem } = await observe(chunks, { startedAt: process.hrtime.bigint() });
  const { lost } = findFaults(transcript.tokens, spec, []);
  if (lost > 0) {
    const { status } = await system.record(runId);
    throw new Error(`${lost} tokens are lost to the one who started it: ${problem ?? status}`);
  }
  return { runId, stuck };
}

/** What the connection still brings until it ends or, cut off in the middle of a frame, breaks. */
async function takeWhatIsThere({ events }: SseResponse): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const take = async () => {
    for await (const chunk of toChunks(events)) chunks.push(chunk);
  };
  await take().catch(() => undefined);
  return chunks;
}
