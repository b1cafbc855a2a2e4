import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
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
