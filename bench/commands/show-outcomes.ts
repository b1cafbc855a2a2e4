import { figuresOf, problemOf, type Outcome } from '../outcome.ts';
import { formatFigure, formatTable } from '../results.ts';

/** A table of all figures, a column for each outcome. */
export function showOutcomes(
  outcomes: readonly Outcome[],
  titleOf: (outcome: Outcome) => string,
): string {
  const medians = outcomes.map(figuresOf);
  const names = new Set(medians.flatMap((figures) => Object.keys(figures)));
  return formatTable([
    ['', ...outcomes.map(titleOf)],
    ...[...names].map((name) => [name, ...medians.map((figures) => formatFigure(figures[name]))]),
    ['generators late p99 ms', ...outcomes.map(latest)],
    ...showProblems(outcomes),
  ]);
}

/** How late the load generator or the model was in the worst of the rounds. */
function latest({ measurements }: Outcome): string {
  if (measurements.length === 0) return '–';
  return formatFigure(Math.max(...measurements.flatMap(({ late }) => Object.values(late))));
}

function showProblems(outcomes: readonly Outcome[]): string[][] {
  if (outcomes.every((outcome) => problemOf(outcome) === null)) return [];
  return [['problem', ...outcomes.map((outcome) => problemOf(outcome) ?? '')]];
}
