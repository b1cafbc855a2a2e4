import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeOnSignal } from './close-on-signal.ts';
import { watchLoopDelay } from './loop-delay.ts';
import { createModelReports } from './model/start-model.ts';
import { observeRun } from './observe-run.ts';
import { newSpec, type Figures, type Size } from './scenario.ts';
import { SCENARIOS, type ScenarioName } from './scenarios/index.ts';
import type { Environment, OpenSystem } from './system.ts';
import { loadSystem, type SystemName } from './systems/index.ts';

/** What this process is told to measure. */
export interface Order {
  scenario: ScenarioName;
  system: SystemName;
  environment: Omit<Environment, 'scratchDir'>;
  size: Size;
}

export interface Measurement {
  settings: Record<string, string>;
  figures: Figures;
  /** 99th percentile of how late the load generator and the model were, in milliseconds: what was late has measured itself. */
  late: { readers: number; model: number };
}

export type Answer = { measurement: Measurement } | { problem: string };

/** The load generator: opens one system, measures one scenario, tells the figures to the process that forked it, and ends. */
async function measure({ scenario, system, environment, size }: Order): Promise<Measurement> {
  await using resources = new AsyncDisposableStack();
  closeOnSignal(resources);
  const scratchDir = await mkdtemp(path.join(tmpdir(), 'holdfast-bench-'));
  resources.defer(() => rm(scratchDir, { recursive: true, force: true, maxRetries: 3 }));
  const whole = { ...environment, scratchDir };
  const opened = resources.use(await (await loadSystem(system)).open(whole));
  const model = createModelReports(environment.modelUrl);
  await warmUp(opened);
  await model.forget();
  await model.loopDelay();
  const loopDelay = watchLoopDelay();
  const figures = await SCENARIOS[scenario].measure({
    system: opened,
    environment: whole,
    model,
    size,
  });
  const late = { readers: loopDelay.read().p99Ms, model: (await model.loopDelay()).p99Ms };
  return { settings: opened.settings, figures, late };
}

/** What is compiled, connected and cached by the first runs is in no figure. */
async function warmUp(system: OpenSystem): Promise<void> {
  const size = { steps: 2, tokens: 25, intervalMs: 10 };
  await Promise.all(Array.from({ length: 10 }, () => observeRun(system, newSpec(size))));
}

const [order] = (await once(process, 'message')) as [Order];
const answer: Answer = await measure(order).then(
  (measurement) => ({ measurement }),
  (error: unknown) => ({ problem: error instanceof Error ? (error.stack ?? '') : String(error) }),
);
// Where nobody is there to be told, `closeOnSignal` ends the process.
if (process.connected) process.send?.(answer, () => process.exit());
