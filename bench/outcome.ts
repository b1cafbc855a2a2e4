import type { Measurement, Order } from './measure.ts';
import { countsFaults, type Figures } from './scenario.ts';

/** One thing to measure. */
export type Item = Omit<Order, 'environment'>;

/** What came of measuring it again and again. */
export interface Outcome {
  item: Item;
  measurements: Measurement[];
  /** What went wrong in the rounds that could not be measured. */
  problems: string[];
}

export function figuresOf({ measurements }: Pick<Outcome, 'measurements'>): Figures {
  return mergeRounds(measurements.map(({ figures }) => figures));
}

/** In one line, how many rounds could not be measured and why the first of them; null: all could. */
export function problemOf({ measurements, problems }: Omit<Outcome, 'item'>): string | null {
  const [first] = problems;
  if (first === undefined) return null;
  const rounds = measurements.length + problems.length;
  return `${problems.length} of ${rounds} failed: ${first.split('\n')[0]}`;
}

/**
 * What several rounds say together: of what went wrong the most, of other numbers the median (of an even number of values the
 * upper one of the middle), and of texts each that was said.
 */
export function mergeRounds(rounds: readonly Figures[]): Figures {
  const names = new Set(rounds.flatMap((figures) => Object.keys(figures)));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      merge(
        name,
        rounds.map((figures) => figures[name]),
      ),
    ]),
  );
}

function merge(name: string, values: readonly (Figures[string] | undefined)[]): Figures[string] {
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length > 0) return [...new Set(texts)].join('; ');
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  return (countsFaults(name) ? numbers.at(-1) : numbers[Math.floor(numbers.length / 2)]) ?? null;
}
