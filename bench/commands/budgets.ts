import { figuresOf, problemOf, type Item, type Outcome } from '../outcome.ts';
import { formatFigure, formatTable } from '../results.ts';
import type { Size } from '../scenario.ts';
import type { ScenarioName } from '../scenarios/index.ts';
import type { SystemName } from '../systems/index.ts';

/** What one measurement has to keep to: the most that each figure may be. */
interface Budget {
  what: string;
  scenario: ScenarioName;
  system: SystemName;
  size?: Size;
  most: Record<string, number>;
}

const ONE: SystemName = 'holdfast';
const ACROSS: SystemName = 'holdfast-cluster';
const TWO_STEPS = { steps: 2, tokens: 200, intervalMs: 20 };
const LONG_PARTIAL = { tokens: 32, tokenLength: 2_048 };

const CANCELS = [ONE, ACROSS].flatMap((system) =>
  (['cancel', 'cancel-silent'] as const).flatMap((scenario) =>
    [{}, LONG_PARTIAL].map((size): Budget => {
      const model = scenario === 'cancel' ? 'talks' : 'is silent';
      const partial = size === LONG_PARTIAL ? '64 KB' : '1 KB';
      return {
        what: `cancel, the model ${model}, partial of ${partial}`,
        ...{ scenario, system, size },
        most: { providerClosedP95Ms: 15, providerNotClosed: 0, notTold: 0, toldP95Ms: 100 },
      };
    }),
  ),
);

const BUDGETS: readonly Budget[] = [
  {
    what: 'history per step',
    ...{ scenario: 'history', system: ONE },
    most: { eventsPerStepMax: 12, bytesPerStepMax: 3_072, eventsPerToken: 0 },
  },
  {
    what: '1 run',
    ...{ scenario: 'delta', system: ONE, size: { ...TWO_STEPS, runs: 1 } },
    most: { deltaP50Ms: 1, deltaP99Ms: 4, lost: 0, doubled: 0, bytesPerRun: 60_000 },
  },
  {
    what: '1 run, across processes',
    ...{ scenario: 'delta', system: ACROSS, size: { ...TWO_STEPS, runs: 1 } },
    most: { deltaP50Ms: 3, deltaP99Ms: 10, lost: 0, doubled: 0, bytesPerRun: 60_000 },
  },
  {
    what: '1 run, reader on another API process',
    ...{ scenario: 'delta-other', system: ACROSS, size: { ...TWO_STEPS, runs: 1 } },
    most: { deltaP50Ms: 3, deltaP99Ms: 10, lost: 0, doubled: 0 },
  },
  {
    what: '1 run, across processes over Redis',
    ...{ scenario: 'delta', system: 'holdfast-cluster-redis', size: { ...TWO_STEPS, runs: 1 } },
    most: { deltaP50Ms: 3, deltaP99Ms: 10, lost: 0, doubled: 0 },
  },
  {
    what: '20 runs',
    ...{ scenario: 'delta', system: ONE, size: { ...TWO_STEPS, runs: 20 } },
    most: { deltaP50Ms: 1.5, deltaP99Ms: 8, lost: 0, doubled: 0 },
  },
  {
    what: '200 runs',
    ...{ scenario: 'delta', system: ONE, size: { ...TWO_STEPS, runs: 200 } },
    most: { wallS: 10, deltaP50Ms: 35, deltaP99Ms: 170, lost: 0, doubled: 0 },
  },
  { what: 'start', scenario: 'start', system: ONE, most: { beyondModelP50Ms: 20 } },
  {
    what: 'start, across processes',
    ...{ scenario: 'start', system: ACROSS },
    most: { beyondModelP50Ms: 40 },
  },
  ...CANCELS,
  {
    what: 'cancel, another reader',
    ...{ scenario: 'cancel-other', system: ACROSS },
    most: { notTold: 0, toldP95Ms: 100 },
  },
  {
    what: 'cancel, the relay is silent',
    ...{ scenario: 'cancel-silent', system: 'holdfast-cluster-silent' },
    most: { providerClosedP95Ms: 300, providerNotClosed: 0 },
  },
  ...[ONE, ACROSS].map((system): Budget => ({
    what: 'reconnect, open and closed run',
    ...{ scenario: 'resume', system },
    most: {
      resumeToTextP50Ms: 3,
      resumeToTextP95Ms: 15,
      closedToTextP50Ms: 3,
      closedToTextP95Ms: 15,
      lost: 0,
      doubled: 0,
      closedLost: 0,
      closedDoubled: 0,
    },
  })),
  {
    what: '1,000 readers × 5 frames/s',
    ...{ scenario: 'readers', system: ACROSS, size: { readers: 1_000 } },
    // By readers in processes of their own: a thousand in one wait for one another there.
    most: { apartP99Ms: 100, apartLost: 0, lost: 0, doubled: 0, cpuOfACore: 1 },
  },
  {
    what: '5,000 idle readers',
    ...{ scenario: 'idle', system: ACROSS, size: { readers: 5_000 } },
    most: { notToldOfTheEnd: 0, cpuOfACore: 1 },
  },
  {
    what: 'readers that do not read',
    // So many that what the feed itself costs, once in each process, hardly counts.
    ...{ scenario: 'slow-reader', system: ACROSS, size: { readers: 200 } },
    most: { memoryPerReaderKiB: 1_024, notCutOff: 0, lostAfterResume: 0 },
  },
];

export function planBudgets(): Item[] {
  return BUDGETS.map(({ scenario, system, size = {} }) => ({ scenario, system, size }));
}

/** A figure that has a budget. */
interface Check {
  what: string;
  system: SystemName;
  name: string;
  limit: number;
  said: string;
  met: boolean;
}

/** A round that could not be measured keeps to no budget. */
function checkBudgets(outcomes: readonly Outcome[]): Check[] {
  return outcomes.flatMap((outcome, index) => {
    const { what = '', most = {} } = BUDGETS[index] ?? {};
    const figures = figuresOf(outcome);
    const problem = problemOf(outcome);
    return Object.entries(most).map(([name, limit]): Check => {
      const figure = figures[name];
      const met = problem === null && typeof figure === 'number' && figure <= limit;
      const said = [formatFigure(figure), problem].filter(Boolean).join('; ');
      return { what, system: outcome.item.system, name, limit, said, met };
    });
  });
}

/** A row for each figure that has a budget: the budget, the figure, and whether it is met. */
export function showBudgets(outcomes: readonly Outcome[]): string {
  const rows = checkBudgets(outcomes).map(({ what, system, name, limit, said, met }) => [
    ...[what, system, name],
    ...[`≤ ${limit}`, said, met ? 'met' : 'MISSED'],
  ]);
  return formatTable([['what', 'system', 'figure', 'budget', 'measured', ''], ...rows]);
}

export function keepsToBudgets(outcomes: readonly Outcome[]): boolean {
  return checkBudgets(outcomes).every(({ met }) => met);
}
