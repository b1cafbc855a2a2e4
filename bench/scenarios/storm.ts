import { setTimeout as sleep } from 'node:timers/promises';
import { connectSlowly, createCrowd } from '../crowd.ts';
import { createLatencies } from '../latencies.ts';
import { observe } from '../observe-run.ts';
import { newSpec, type Scenario } from '../scenario.ts';
import { findFaults } from '../transcript.ts';

/** The readers are away for so long that each has text to catch up on. */
const AWAY_MS = 500;
/** The run goes on for so long behind the storm. */
const GOES_ON_MS = 3_000;
/** A run that goes on until it is cancelled. */
const ENDLESS = { tokens: 20_000, intervalMs: 50 };

/** Many readers of a run that goes on lose their connection, and all come back at the same moment behind their last chunk. */
export const storm: Scenario = {
  title: 'A storm of reconnections',
  grows: { size: 'readers', from: 250 },
  async measure({ system, model, size }) {
    const spec = newSpec(size, ENDLESS);
    const startedAt = process.hrtime.bigint();
    const { runId, chunks } = await system.start(spec, new AbortController().signal);
    const starter = observe(chunks, { startedAt });
    const crowd = createCrowd(system, { runIds: [runId], readers: size.readers ?? 1_000 });
    await connectSlowly(crowd);
    await Promise.all(crowd.map((reader) => reader.drop()));
    await sleep(AWAY_MS);

    const back = createLatencies();
    const cameAt = process.hrtime.bigint();
    await Promise.all(
      crowd.map(async (reader) => {
        const { receivedAt } = await reader.connect('text');
        back.add(receivedAt - cameAt);
      }),
    );
    await sleep(GOES_ON_MS);
    await system.cancel?.(runId);
    await Promise.all(crowd.map((reader) => reader.ended()));
    const { transcript: whole } = await starter;
    const calls = await model.calls(spec.key);
    const said = { ...spec, tokens: whole.tokens.length };
    const faults = crowd.map(({ transcript }) => findFaults(transcript.tokens, said, calls));
    return {
      backP50Ms: back.percentile(50),
      backP99Ms: back.percentile(99),
      allBackMs: back.max(),
      refusals: crowd.reduce((sum, { refusals }) => sum + refusals, 0),
      lost: faults.reduce((sum, { lost }) => sum + lost, 0),
      doubled: faults.reduce((sum, { doubled }) => sum + doubled, 0),
    };
  },
};
