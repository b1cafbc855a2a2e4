/**
 * Prints `N passed, N failed` for the runs that just ended, by the names of their reports. Without its report no test of a run
 * ran, which counts as one failure.
 */
import { DEFAULT_REPORT, readTestReport } from './test-report.ts';

const names = process.argv.slice(2);
const reports = await Promise.all(
  (names.length > 0 ? names : [DEFAULT_REPORT]).map(
    async (name) => (await readTestReport(name)) ?? { passed: 0, failed: 1 },
  ),
);
const passed = reports.reduce((sum, report) => sum + report.passed, 0);
const failed = reports.reduce((sum, report) => sum + report.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
