import type { Scenario } from '../scenario.ts';
import { delta } from './delta.ts';

export const SCENARIOS = {
  delta,
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

export function isScenarioName(name: string): name is ScenarioName {
  return name in SCENARIOS;
}
