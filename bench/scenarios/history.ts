import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { observeRun } from '../observe-run.ts';
import { newSpec, type Scenario, type Scene, type Size } from '../scenario.ts';

const STEPS = [1, 2, 4, 8, 16, 32];
const POLL_MS = 50;

/** What runs write into Temporal's history: per step beyond the text of the model, and per token. Systems on Temporal only. */
export const history: Scenario = {
  title: 'History of a run, by the number of the step',
  grows: { size: 'tokens', from: 50 },
  async measure(scene) {
    const { environment, size } = scene;
    const connection = await Connection.connect({ address: environment.temporalAddress });
    try {
      const client = new Client({ connection });
      const of = (more: Size) => historyOf(scene, client, { tokens: 50, ...size, ...more });
      const sizes = [];
      for (const steps of STEPS) sizes.push(await of({ steps }));
      const perStep = growthPerStep(sizes);
      const few = await of({ steps: 1, tokens: 10 });
      const many = await of({ steps: 1, tokens: 410 });
      return {
        ...perStep,
        eventsPerStepMax: Math.max(...sizesOf(perStep, 'Events')),
        bytesPerStepMax: Math.max(...sizesOf(perStep, 'Bytes')),
        eventsPerToken: (many.events - few.events) / 400,
      };
    } finally {
      await connection.close();
    }
  },
};

interface HistorySize {
  steps: number;
  events: number;
  bytes: number;
  /** Of the model, in all steps. */
  textBytes: number;
}

async function historyOf({ system }: Scene, client: Client, size: Size): Promise<HistorySize> {
  const spec = newSpec({ intervalMs: 2, ...size });
  const { runId } = await observeRun(system, spec);
  const handle = client.workflow.getHandle(runId);
  for (;;) {
    const { status, historyLength, historySize } = await handle.describe();
    if (status.name !== 'RUNNING') {
      const textBytes = spec.steps * spec.tokens * spec.tokenLength;
      return { steps: spec.steps, events: historyLength, bytes: historySize ?? 0, textBytes };
    }
    await sleep(POLL_MS);
  }
}

/** The steps of a longer run that a shorter one has not, each with a call of one tool. */
function growthPerStep(sizes: readonly HistorySize[]): Record<string, number> {
  return Object.fromEntries(
    sizes.slice(1).flatMap((more, index) => {
      const fewer = sizes[index] ?? more;
      const steps = more.steps - fewer.steps;
      const bytes = more.bytes - more.textBytes - (fewer.bytes - fewer.textBytes);
      const which =
        steps === 1 ? `step${more.steps - 1}` : `steps${fewer.steps}To${more.steps - 1}`;
      return [
        [`${which}Events`, (more.events - fewer.events) / steps],
        [`${which}Bytes`, bytes / steps],
      ];
    }),
  );
}

function sizesOf(perStep: Record<string, number>, kind: 'Events' | 'Bytes'): number[] {
  return Object.entries(perStep).flatMap(([name, size]) => (name.endsWith(kind) ? [size] : []));
}
