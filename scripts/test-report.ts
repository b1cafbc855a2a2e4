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

export interface TestFailure {
  /** Titles of the describes and of the test; null where the file failed before it had a test. */
  title: string | null;
  /** Relative to the root of the repository. */
  file: string;
  /** The error, with its stack. */
  message: string;
}

export interface TestReport {
  tests: TestOutcome[];
  passed: number;
  /** Failed tests, and test files that failed before they had any. */
  failures: TestFailure[];
}

/** What Vitest's json reporter writes, as far as it is read here. */
interface JsonReport {
  numPassedTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: {
      ancestorTitles: string[];
      title: string;
      status: string;
      failureMessages: string[];
    }[];
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
  const { testResults, numPassedTests } = JSON.parse(json) as JsonReport;
  const root = path.resolve(import.meta.dirname, '..');
  const tests: TestOutcome[] = [];
  const failures: TestFailure[] = [];
  for (const { name, status, message, assertionResults } of testResults) {
    const file = path.relative(root, name);
    const before = failures.length;
    for (const assertion of assertionResults) {
      const title = [...assertion.ancestorTitles, assertion.title].join(' › ');
      tests.push({ title, file, passed: assertion.status === 'passed' });
      if (assertion.status === 'failed')
        failures.push({ title, file, message: assertion.failureMessages.join('\n') });
    }
    if (status === 'failed' && failures.length === before)
      failures.push({ title: null, file, message });
  }
  return { tests, passed: numPassedTests, failures };
}
