import type { TestOutcome } from './test-report.ts';

/** A behaviour that this release must show. */
export interface DueBehaviour {
  /** `F1`, or `F8.3` for a case. */
  id: string;
  text: string;
}

export interface HeldBehaviours {
  /** One line per due behaviour: the sentence, and the passed test that holds it. */
  lines: string[];
  /** What a release must not have; empty: all is well. */
  problems: string[];
}

const ID = /\b[A-Z]\d{1,2}(?:\.\d{1,2})?\b/g;
/** A test that holds more than this proves none of it well. */
const MOST_IDS = 3;

/** Finds for each due behaviour the passed test whose title carries its id as a word. */
export function heldBehaviours(due: DueBehaviour[], tests: TestOutcome[]): HeldBehaviours {
  const known = new Set(due.map(({ id }) => id));
  const titled = tests.map((test) => ({ test, ids: idsIn(test.title, known) }));
  const lines: string[] = [];
  const problems = titled
    .filter(({ ids }) => ids.length > MOST_IDS)
    .map(({ test, ids }) => `holds more than ${MOST_IDS} (${ids.join(', ')}): ${where(test)}`);

  for (const { id, text } of due) {
    const holders = titled.filter(({ ids }) => ids.includes(id)).map(({ test }) => test);
    const holder = holders.find((test) => test.passed);
    lines.push(
      `${holder ? '✓' : '✗'} ${id} ${text}\n    ${holder ? where(holder) : 'no passed test'}`,
    );
    if (!holder)
      problems.push(`${id} has no passed test${holders[0] ? `: ${where(holders[0])} failed` : ''}`);
  }
  return { lines, problems };
}

function idsIn(title: string, known: Set<string>): string[] {
  return [...new Set(title.match(ID))].filter((id) => known.has(id));
}

function where(test: TestOutcome): string {
  return `${test.file} › ${test.title}`;
}
