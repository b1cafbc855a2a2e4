import { describe, expect, it } from 'vitest';
import { heldBehaviours } from '../../scripts/held-behaviours.ts';
import { parseTestReport, type TestOutcome } from '../../scripts/test-report.ts';

const due = [
  { id: 'F1', text: 'First.' },
  { id: 'F8.1', text: 'A case.' },
  { id: 'F14', text: 'Last.' },
];
const test = (title: string, passed = true): TestOutcome => ({ title, passed, file: 'a.test.ts' });

describe('the list of behaviours', () => {
  it('names the passed test that carries the id in its own title or in that of its describe', () => {
    const tests = [test('F1 the feed › F8.1, F14: all of it')];
    const { lines, problems } = heldBehaviours(due, tests);
    expect(problems).toEqual([]);
    expect(lines[1]).toBe('✓ F8.1 A case.\n    a.test.ts › F1 the feed › F8.1, F14: all of it');
  });

  it('takes an id for a whole word only', () => {
    const tests = [test('F14 and F8.11 and F8'), test('xF1')];
    expect(heldBehaviours(due, tests).problems).toEqual([
      'F1 has no passed test',
      'F8.1 has no passed test',
    ]);
  });

  it('does not take a failed test', () => {
    const tests = [test('F1', false), test('F8.1'), test('F14')];
    expect(heldBehaviours(due, tests).problems).toEqual([
      'F1 has no passed test: a.test.ts › F1 failed',
    ]);
  });

  it('refuses a test that holds more than three', () => {
    const wide = [...due, { id: 'C1', text: 'Cancel.' }];
    expect(heldBehaviours(wide, [test('F1 F8.1 F14 C1')]).problems).toEqual([
      'holds more than 3 (F1, F8.1, F14, C1): a.test.ts › F1 F8.1 F14 C1',
    ]);
  });
});

describe('the report of a test run', () => {
  const passed = { ancestorTitles: ['outer'], title: 'inner', status: 'passed' };
  const failed = { ...passed, title: 'broken', status: 'failed', failureMessages: ['not equal'] };
  const report = parseTestReport(
    JSON.stringify({
      numPassedTests: 1,
      testResults: [
        { name: 'a.test.ts', status: 'failed', message: '', assertionResults: [passed, failed] },
        { name: 'b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
      ],
    }),
  );

  it('tells which tests passed', () => {
    expect(report.passed).toBe(1);
    expect(report.tests).toMatchObject([
      { title: 'outer › inner', passed: true },
      { title: 'outer › broken', passed: false },
    ]);
  });

  it('counts what failed, and a file that failed before its first test', () => {
    expect(report.failures).toMatchObject([
      { title: 'outer › broken', message: 'not equal' },
      { title: null, message: 'no such module' },
    ]);
  });
});
