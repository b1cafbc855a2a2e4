import type { Size } from '../scenario.ts';
import type { ScenarioName } from '../scenarios/index.ts';

const TWO_STEPS = { steps: 2, tokens: 200, intervalMs: 20 };

/** What every system is put through. */
export const LOADS = {
  one: { scenario: 'delta', size: { ...TWO_STEPS, runs: 1 } },
  twenty: { scenario: 'delta', size: { ...TWO_STEPS, runs: 20 } },
  many: { scenario: 'delta', size: { ...TWO_STEPS, runs: 200 } },
  start: { scenario: 'start', size: {} },
  resume: { scenario: 'resume', size: {} },
  cancel: { scenario: 'cancel', size: {} },
  silent: { scenario: 'cancel-silent', size: {} },
  crash: { scenario: 'crash', size: {} },
  history: { scenario: 'history', size: {} },
} satisfies Record<string, { scenario: ScenarioName; size: Size }>;
export type LoadName = keyof typeof LOADS;

/** A row of the comparison. */
export interface Row {
  title: string;
  load: LoadName;
  /** What stands in a cell, in this order. */
  figures: readonly string[];
  /** Times and sizes have a ratio to the reference; counts, and what is said in words, have none. */
  ratio: boolean;
}

const measured = (title: string, load: LoadName, ...figures: string[]): Row => ({
  ...{ title, load, figures },
  ratio: true,
});
const counted = (title: string, load: LoadName, ...figures: string[]): Row => ({
  ...{ title, load, figures },
  ratio: false,
});
const P50_P95 = (name: string) => [`${name}P50Ms`, `${name}P95Ms`];

export const ROWS: readonly Row[] = [
  measured('1 run: delta p50 / p99 ms', 'one', 'deltaP50Ms', 'deltaP99Ms'),
  measured('20 runs: delta p50 / p99 ms', 'twenty', 'deltaP50Ms', 'deltaP99Ms'),
  measured('200 runs: delta p50 / p99 ms', 'many', 'deltaP50Ms', 'deltaP99Ms'),
  // A system that starts late has fewer calls of the model at once, and so a lighter load: this counts from the start of all.
  measured(
    'the same, behind the ideal p50 / p99 ms',
    ...(['many', 'behindIdealP50Ms', 'behindIdealP99Ms'] as const),
  ),
  measured('200 runs: wall s (ideal 8.0)', 'many', 'wallS'),
  measured('200 runs: memory of its processes at most MiB', 'many', 'memoryMaxMiB'),
  measured('20 runs: processor time of its processes s', 'twenty', 'cpuS'),
  measured('20 runs: processor time of the whole machine s', 'twenty', 'machineCpuS'),
  measured('200 runs: processor time of its processes s', 'many', 'cpuS'),
  measured('200 runs: processor time of the whole machine s', 'many', 'machineCpuS'),
  measured('200 runs: the model is late at most ms', 'many', 'modelLateMaxMs'),
  counted('1 run: tokens lost / doubled', 'one', 'lost', 'doubled'),
  counted('20 runs: tokens lost / doubled', 'twenty', 'lost', 'doubled'),
  counted('200 runs: tokens lost / doubled', 'many', 'lost', 'doubled'),
  measured('bytes on the wire per run (14 kB of text)', 'one', 'bytesPerRun'),
  measured('start to first text beyond the model p50 / p95 ms', 'start', ...P50_P95('beyondModel')),
  counted('resume: lost / doubled / misplaced', 'resume', 'lost', 'doubled', 'misplaced'),
  measured('resume to first text p50 / p95 ms', 'resume', ...P50_P95('resumeToText')),
  counted('resume after the end: lost / doubled', 'resume', 'closedLost', 'closedDoubled'),
  measured('the same to first text p50 / p95 ms', 'resume', ...P50_P95('closedToText')),
  counted('read after the end and a restart', 'resume', 'readAfterRestart'),
  counted('record after that restart', 'resume', 'recordAfterRestart'),
  measured(
    "cancel to the model's socket closed p50 / p95 ms",
    'cancel',
    ...P50_P95('providerClosed'),
  ),
  measured('the same, the model silent', 'silent', ...P50_P95('providerClosed')),
  counted('cancels after which the model went on', 'cancel', 'providerNotClosed'),
  counted('the same, the model silent', 'silent', 'providerNotClosed'),
  measured(
    "cancel to the end of the reader's stream p50 / p95 ms",
    'cancel',
    ...P50_P95('streamEnd'),
  ),
  measured('the same, the model silent', 'silent', ...P50_P95('streamEnd')),
  counted('record after a cancel', 'cancel', 'outcome'),
  counted('kill -9 in mid-stream: runs / that do not go on', 'crash', 'runs', 'runsNotGoingOn'),
  measured('kill -9 to the next text, at most ms', 'crash', 'nextTextMs'),
  counted(
    'reader through it: lost / doubled / spliced steps',
    ...(['crash', 'resumedLost', 'resumedDoubled', 'resumedSpliced'] as const),
  ),
  counted(
    'reader after it: lost / doubled / spliced steps',
    ...(['crash', 'freshLost', 'freshDoubled', 'freshSpliced'] as const),
  ),
  counted('record after it', 'crash', 'record'),
  counted(
    "Temporal's history per step: events / bytes beside the text",
    ...(['history', 'eventsPerStepMax', 'bytesPerStepMax'] as const),
  ),
];

/** A figure that says in words why those of a row are not there. */
export const PROBLEMS: Partial<Record<string, string>> = {
  lost: 'resumeProblem',
  closedLost: 'closedProblem',
  freshLost: 'freshProblem',
};
