import type { ModelReports } from './model/start-model.ts';
import type { ModelSpec } from './model-spec.ts';
import type { Environment, OpenSystem } from './system.ts';

/** What the command line may say of a scenario's size; each has a default of its own for what is left out. */
export interface Size extends Partial<Omit<ModelSpec, 'key'>> {
  /** Runs at once, or one after another where the scenario is about single ones. */
  runs?: number;
  readers?: number;
}

export interface Scene {
  system: OpenSystem;
  environment: Environment;
  model: ModelReports;
  size: Size;
}

/** Figures by name; the name ends with the unit. Null: there was nothing to measure. Text says what no number can. */
export type Figures = Record<string, number | string | null>;

/**
 * Whether a figure counts what should not have happened: `…Lost`, `…Doubled`, `…Misplaced`, `…Spliced`, `not…`, `…Not…` and
 * `broken…` do.
 */
export function countsFaults(name: string): boolean {
  return /[Ll]ost|[Dd]oubled|[Mm]isplaced|[Ss]pliced|[Bb]roken|[Nn]ot[A-Z]/.test(name);
}

/** Something that is measured of a system, in a process of its own that holds the load generator and nothing else. */
export interface Scenario {
  readonly title: string;
  /** What is doubled and doubled again where growth is looked at, from the default on. */
  readonly grows: { size: keyof Size; from: number };
  measure(scene: Scene): Promise<Figures>;
}

let count = 0;

/** A spec for a run that nobody else has. */
export function newSpec(size: Size, defaults: Partial<Omit<ModelSpec, 'key'>> = {}): ModelSpec {
  count += 1;
  const spec = { steps: 1, tokens: 100, intervalMs: 20, tokenLength: 35, silentAfter: 0 };
  const { runs: _runs, readers: _readers, ...given } = size;
  return { key: `r${process.pid}-${count}`, ...spec, ...defaults, ...given };
}
