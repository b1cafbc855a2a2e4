import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Measurement } from './measure.ts';
import type { Figures } from './scenario.ts';

const FOLDER = path.resolve(import.meta.dirname, 'results');

/** Writes what was measured, with the machine that it was measured on, to `bench/results/`. Tells the file. */
export async function writeResults(name: string, results: object): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const at = new Date().toISOString();
  const file = path.join(FOLDER, `${at.replaceAll(':', '-')}-${name}.json`);
  await writeFile(file, JSON.stringify({ at, machine: describeMachine(), ...results }, null, 2));
  return file;
}

export function describeMachine(): Record<string, string | number> {
  const cpus = os.cpus();
  return {
    processor: cpus[0]?.model ?? '?',
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
  };
}

/** The median of each figure; of an even number of values the lower one of the middle. A figure that is text once is that text. */
export function mediansOf(measurements: readonly Measurement[]): Figures {
  const names = new Set(measurements.flatMap(({ figures }) => Object.keys(figures)));
  return Object.fromEntries(
    [...names].map((name) => [name, median(measurements.map(({ figures }) => figures[name]))]),
  );
}

function median(values: readonly (Figures[string] | undefined)[]): Figures[string] {
  const text = values.find((value) => typeof value === 'string');
  if (text !== undefined) return text;
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  return numbers[Math.floor((numbers.length - 1) / 2)] ?? null;
}

/** A table as Markdown has it, padded to be read as it is. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) =>
    Math.max(3, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...rows.slice(1).map(line)].join('\n');
}

/** Three significant digits. */
export function formatFigure(figure: Figures[string] | undefined): string {
  if (figure === null || figure === undefined) return '–';
  if (typeof figure === 'string') return figure;
  return Math.abs(figure) >= 100 ? figure.toFixed(0) : String(Number(figure.toPrecision(3)));
}
