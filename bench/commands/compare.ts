import { figuresOf, problemOf, type Item, type Outcome } from '../outcome.ts';
import { formatFigure, formatTable } from '../results.ts';
import type { Figures } from '../scenario.ts';
import { loadSystem, type SystemName } from '../systems/index.ts';
import { LOADS, PROBLEMS, ROWS, type LoadName, type Row } from './comparison.ts';

/** Figures of the others are also given as ratios to this one's. */
const REFERENCE: SystemName = 'holdfast';

export const COMPARED: readonly SystemName[] = [
  'direct',
  'holdfast',
  'holdfast-cluster',
  'langgraph',
  'ai-sdk',
  'dbos',
  'restate',
  'restate-10ms',
  'workflow-streams',
];

/** In the order of the loads, so that systems take turns within each. */
export function planCompare(systems: readonly SystemName[]): Item[] {
  return loadNames().flatMap((load) =>
    systems.filter((system) => isFor(system, load)).map((system) => ({ system, ...LOADS[load] })),
  );
}

function loadNames(): LoadName[] {
  return Object.keys(LOADS) as LoadName[];
}

function isFor(system: SystemName, load: LoadName): boolean {
  if (load === 'history') return /^(holdfast|workflow-streams)/.test(system);
  return system !== 'direct' || ['one', 'twenty', 'many', 'start'].includes(load);
}

/** The table, then the settings of each system and what it cannot do. */
export async function showComparison(outcomes: readonly Outcome[]): Promise<string> {
  const systems = [...new Set(outcomes.map(({ item }) => item.system))];
  const outcomeOf = (system: SystemName, load: LoadName) =>
    outcomes.find(
      ({ item }) =>
        item.system === system &&
        item.scenario === LOADS[load].scenario &&
        item.size === LOADS[load].size,
    );
  const table = formatTable([
    ['', ...systems],
    ...ROWS.map((row) => {
      const reference = figuresOf(outcomeOf(REFERENCE, row.load) ?? { measurements: [] });
      return [
        row.title,
        ...systems.map((system) =>
          showCell(row, outcomeOf(system, row.load), system === REFERENCE ? {} : reference),
        ),
      ];
    }),
  ]);
  const notes = await Promise.all(
    systems.map((system) =>
      describeSystem(
        system,
        outcomes.filter(({ item }) => item.system === system),
      ),
    ),
  );
  return [table, ...notes].join('\n\n');
}

function showCell(row: Row, outcome: Outcome | undefined, reference: Figures): string {
  if (outcome === undefined) return '';
  const figures = figuresOf(outcome);
  const parts = [
    showValues(row, figures, reference),
    figures[PROBLEMS[row.figures[0] ?? ''] ?? ''],
    problemOf(outcome),
  ];
  return parts.filter(Boolean).map(inCell).join('; ') || '–';
}

/** Empty where there is none of the row's figures. */
function showValues({ figures: names, ratio }: Row, figures: Figures, reference: Figures): string {
  if (names.every((name) => figures[name] === undefined || figures[name] === null)) return '';
  const values = names.map((name) => formatFigure(figures[name])).join(' / ');
  const ratios = names.map((name) => ratioOf(figures[name], reference[name]));
  return ratio && ratios.some((text) => text !== '') ? `${values} (${ratios.join(' / ')})` : values;
}

function ratioOf(
  figure: Figures[string] | undefined,
  reference: Figures[string] | undefined,
): string {
  if (typeof figure !== 'number' || typeof reference !== 'number' || reference === 0) return '';
  return `×${Number((figure / reference).toPrecision(2))}`;
}

function inCell(text: unknown): string {
  return String(text).split('\n')[0]?.replaceAll('|', '\\|') ?? '';
}

async function describeSystem(name: SystemName, outcomes: readonly Outcome[]): Promise<string> {
  const { limits = {} } = await loadSystem(name);
  const settings = outcomes.flatMap(({ measurements }) => measurements)[0]?.settings ?? {};
  const set = Object.entries(settings).map(([what, value]) => `${what}: ${value}`);
  return [
    `**${name}** (${set.join('; ')})`,
    ...Object.entries(limits).map(([what, found]) => `- ${what}: ${found}`),
  ].join('\n');
}
