/** Prints each behaviour that is due with the test that holds it, from the report of the run that just ended. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { heldBehaviours, type DueBehaviour } from './held-behaviours.ts';
import { readTestReport } from './test-report.ts';

const DUE = path.resolve(import.meta.dirname, '../test/behaviours.due.json');

const report = await readTestReport();
const due = JSON.parse(await readFile(DUE, 'utf8')) as DueBehaviour[];
const { lines, problems } = heldBehaviours(due, report?.tests ?? []);

console.log(lines.join('\n'));
console.log(`\n${due.length} behaviours are due.`);
for (const problem of problems) console.error(`✗ ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
