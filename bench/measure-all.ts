import type { Order } from './measure.ts';
import { measureApart } from './measure-apart.ts';
import type { Item, Outcome } from './outcome.ts';

export interface Rounds {
  repeat: number;
  environment: Order['environment'];
}

/** Measures one after another, all of them in each round, so that what the machine does meanwhile meets all of them. */
export async function measureAll(
  items: readonly Item[],
  { repeat, environment }: Rounds,
): Promise<Outcome[]> {
  const outcomes = items.map((item): Outcome => ({ item, measurements: [], problems: [] }));
  for (let round = 1; round <= repeat; round += 1) {
    for (const [index, { item, measurements, problems }] of outcomes.entries()) {
      console.error(`[${round}/${repeat}, ${index + 1}/${items.length}] ${describeItem(item)}`);
      try {
        measurements.push(await measureApart({ ...item, environment }));
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
        console.error(problems.at(-1));
      }
    }
  }
  return outcomes;
}

export function describeItem({ scenario, system, size }: Item): string {
  const given = Object.entries(size).map(([name, value]) => ` ${name}=${value}`);
  return `${scenario} of ${system}${given.join('')}`;
}
