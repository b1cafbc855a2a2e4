/**
 * Prints what failed in the runs that just ended, by the names of their reports, and at last `N passed, N failed`. Without its
 * report no test of a run ran, which counts as one failure.
 */
import { DEFAULT_REPORT, readTestReport, type TestReport } from './test-report.ts';

const names = process.argv.slice(2);
const reports = await Promise.all(
  (names.length > 0 ? names : [DEFAULT_REPORT]).map(
    async (name) => [name, (await readTestReport(name)) ?? withoutReport(name)] as const,
  ),
);
for (const [name, { failures }] of reports)
  for (const { file, title, message } of failures)
    console.log(`✗ ${name}: ${file}${title === null ? '' : ` › ${title}`}\n${message}\n`);

const passed = reports.reduce((sum, [, report]) => sum + report.passed, 0);
const failed = reports.reduce((sum, [, report]) => sum + report.failures.length, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function withoutReport(name: string): TestReport {
  const failure = { file: `test-report/${name}.json`, title: null, message: 'There is no report.' };
  return { tests: [], passed: 0, failures: [failure] };
}
