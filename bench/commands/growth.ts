import type { Item, Outcome } from '../outcome.ts';
import { SCENARIOS, type ScenarioName } from '../scenarios/index.ts';
import type { SystemName } from '../systems/index.ts';
import { showOutcomes } from './show-outcomes.ts';

const FACTORS = [1, 2, 4, 8];

/** Each scenario at one, two, four and eight times of the load that it is about. */
export function planGrowth(
  scenarios: readonly ScenarioName[],
  systems: readonly SystemName[],
): Item[] {
  return scenarios.flatMap((scenario) =>
    systems.flatMap((system) =>
      FACTORS.map((factor) => {
        const { size, from } = SCENARIOS[scenario].grows;
        return { scenario, system, size: { [size]: from * factor } };
      }),
    ),
  );
}

export function showGrowth(outcomes: readonly Outcome[]): string {
  const series = Map.groupBy(outcomes, ({ item }) => `${item.scenario} of ${item.system}`);
  return [...series]
    .map(([title, steps]) => `### ${title}\n\n${showOutcomes(steps, titleOf)}`)
    .join('\n\n');
}

function titleOf({ item }: Outcome): string {
  const { size } = SCENARIOS[item.scenario].grows;
  return `${item.size[size]} ${size}`;
}
