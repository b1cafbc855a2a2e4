/** Prints `N passed, N failed` for the run that just ended. Without a report no test ran, which counts as one failure. */
import { readTestReport } from './test-report.ts';

const { passed, failed } = (await readTestReport()) ?? { passed: 0, failed: 1 };
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
