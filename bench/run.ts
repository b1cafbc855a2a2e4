import { parseArgs } from 'node:util';
import { closeOnSignal } from './close-on-signal.ts';
import { keepsToBudgets, planBudgets, showBudgets } from './commands/budgets.ts';
import { COMPARED, planCompare, showComparison } from './commands/compare.ts';
import { planGrowth, showGrowth } from './commands/growth.ts';
import { showOutcomes } from './commands/show-outcomes.ts';
import { openEnvironment } from './environment.ts';
import { measureAll } from './measure-all.ts';
import type { Item, Outcome } from './outcome.ts';
import { describeMachine, writeResults } from './results.ts';
import type { Size } from './scenario.ts';
import { isScenarioName, SCENARIO_NAMES, SCENARIOS } from './scenarios/index.ts';
import { isSystemName, SYSTEM_NAMES, type SystemName } from './systems/index.ts';

const USAGE = `npm run bench -- <what> [options]

what       a scenario: ${SCENARIO_NAMES.join(', ')}
           compare: all systems beside one another; budgets; growth [scenario …]
systems    --systems a,b of ${SYSTEM_NAMES.join(', ')}
size       --runs --readers --steps --tokens --interval-ms --token-length
others     --repeat n       so many rounds: medians, and of what went wrong the most
           --profile DIR    a .cpuprofile of each of Holdfast's processes
           --temporal HOST:PORT, --postgres URL, --redis URL

Exits 1 where something could not be measured, or a budget is missed.
`;

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    systems: text,
    repeat: { type: 'string', default: '1' },
    postgres: { type: 'string', default: 'postgres://postgres@127.0.0.1:5432/postgres' },
    redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
    temporal: text,
    profile: text,
    runs: text,
    readers: text,
    steps: text,
    tokens: text,
    'interval-ms': text,
    'token-length': text,
  },
});

/** What is to be measured, and how it is shown. */
interface Plan {
  items: Item[];
  show(outcomes: readonly Outcome[]): string | Promise<string>;
  /** Left out: it is enough that all was measured. */
  passes?(outcomes: readonly Outcome[]): boolean;
}

function readPlan(): Plan | null {
  const [what = '', ...rest] = positionals;
  const systems = values.systems?.split(',');
  if (systems && !systems.every(isSystemName)) return null;
  const size = readSize();
  if (!isCount(values.repeat) || size === null) return null;
  const isSized = Object.keys(size).length > 0;
  if (isSized && !isScenarioName(what)) return null;
  if (what === 'compare') return { items: planCompare(systems ?? COMPARED), show: showComparison };
  if (what === 'budgets' && !systems)
    return { items: planBudgets(), show: showBudgets, passes: keepsToBudgets };
  const measured: readonly SystemName[] = systems ?? ['holdfast'];
  if (what === 'growth' && rest.every(isScenarioName)) {
    const scenarios = rest.length > 0 ? rest : SCENARIO_NAMES;
    return { items: planGrowth(scenarios, measured), show: showGrowth };
  }
  if (!isScenarioName(what)) return null;
  return {
    items: measured.map((system) => ({ scenario: what, system, size })),
    show: (outcomes) =>
      `${SCENARIOS[what].title}\n\n${showOutcomes(outcomes, ({ item }) => item.system)}`,
  };
}

/** Null: something that is no number of things. */
function readSize(): Size | null {
  const { runs, readers, steps, tokens } = values;
  const given = {
    ...{ runs, readers, steps, tokens },
    intervalMs: values['interval-ms'],
    tokenLength: values['token-length'],
  };
  const sizes = Object.entries(given).filter(([, value]) => value !== undefined);
  if (!sizes.every(([name, value]) => isCount(value) || (name === 'intervalMs' && value === '0')))
    return null;
  return Object.fromEntries(sizes.map(([name, value]) => [name, Number(value)]));
}

function isCount(value: string | undefined): boolean {
  return /^[1-9]\d*$/.test(value ?? '');
}

async function main(): Promise<void> {
  const plan = readPlan();
  if (plan === null) {
    console.error(USAGE);
    process.exitCode = 1;
    return;
  }
  await using opened = await openEnvironment({
    postgresUrl: values.postgres,
    redisUrl: values.redis,
    temporalAddress: values.temporal,
    profileDir: values.profile,
  });
  closeOnSignal(opened);
  const { environment } = opened;
  const outcomes = await measureAll(plan.items, { repeat: Number(values.repeat), environment });
  const passes = plan.passes?.(outcomes) ?? true;
  if (!passes || outcomes.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
  const machine = Object.values(describeMachine()).join(', ');
  console.log(`\n${await plan.show(outcomes)}\n\n${machine}; rounds: ${values.repeat}`);
  console.error(await writeResults(positionals.join('-'), { repeat: values.repeat, outcomes }));
}

await main();
process.exit();
