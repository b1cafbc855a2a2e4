import { readFile } from 'node:fs/promises';
import path from 'node:path';

const FOLDER = path.resolve(import.meta.dirname, '../test-report');
/** Where `vitest.config.ts` has the report of the last run written. */
export const DEFAULT_REPORT = 'results';

export interface TestOutcome {
  /** Titles of the describes and of the test, from the outside in. */
  title: string;
  /** Relative to the root of the repository. */
  file: string;
  passed: boolean;
}

export interface TestReport {
  tests: TestOutcome[];
  passed: number;
  /** Failed tests, and test files that failed before they had any. */
  failed: number;
}

/** What Vitest's json reporter writes, as far as it is read here. */
interface JsonReport {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    name: string;
    status: string;
    assertionResults: { ancestorTitles: string[]; title: string; status: string }[];
  }[];
}

/** The report of that name of the last test run, or null where there is none. Throws for one that cannot be read. */
export async function readTestReport(name: string): Promise<TestReport | null> {
  try {
    return parseTestReport(await readFile(path.join(FOLDER, `${name}.json`), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Reads Vitest's json report. */
export function parseTestReport(json: string): TestReport {
  const { testResults, numPassedTests, numFailedTests } = JSON.parse(json) as JsonReport;
  const root = path.resolve(import.meta.dirname, '..');
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status }) => ({
      title: [...ancestorTitles, title].join(' › '),
      file: path.relative(root, name),
      passed: status === 'passed',
    })),
  );
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return { tests, passed: numPassedTests, failed: numFailedTests + broken.length };
}
