import type { Scenario } from '../scenario.ts';
import { createCancel } from './cancel.ts';
import { history } from './history.ts';
import { idle } from './idle.ts';
import { readers } from './readers.ts';
import { storm } from './storm.ts';
import { crash } from './crash.ts';
import { createDelta } from './delta.ts';
import { resume } from './resume.ts';
import { slowReader } from './slow-reader.ts';
import { start } from './start.ts';

export const SCENARIOS = {
  delta: createDelta('starter'),
  'delta-other': createDelta('other'),
  start,
  resume,
  cancel: createCancel({ silent: false, reader: 'starter' }),
  'cancel-silent': createCancel({ silent: true, reader: 'starter' }),
  'cancel-other': createCancel({ silent: false, reader: 'other' }),
  crash,
  readers,
  storm,
  idle,
  'slow-reader': slowReader,
  history,
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

export function isScenarioName(name: string): name is ScenarioName {
  return name in SCENARIOS;
}
