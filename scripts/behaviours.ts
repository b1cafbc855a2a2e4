/**
 * Prints each behaviour that is due with the test that holds it, from the report of the run that just ended.
 * `--report NAME`: of another run. `--chapters FC`: only those behaviours that begin with one of these letters.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { heldBehaviours, type DueBehaviour } from './held-behaviours.ts';
import { DEFAULT_REPORT, readTestReport } from './test-report.ts';

const DUE = path.resolve(import.meta.dirname, '../test/behaviours.due.json');

const { report: name, chapters } = parseArgs({
  options: { report: { type: 'string', default: DEFAULT_REPORT }, chapters: { type: 'string' } },
}).values;
const report = await readTestReport(name);
const all = JSON.parse(await readFile(DUE, 'utf8')) as DueBehaviour[];
const due = all.filter(({ id }) => chapters?.includes(id.charAt(0)) ?? true);
const { lines, problems } = heldBehaviours(due, report?.tests ?? []);

console.log(lines.join('\n'));
console.log(`\n${due.length} behaviours are due.`);
for (const problem of problems) console.error(`✗ ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
