import { workflowInfo } from '@temporalio/workflow';

export interface RunClock {
  /** RFC 3339, UTC, milliseconds. */
  now(): string;
  /** Until the next workflow task it is this time: RFC 3339. */
  standAt(time: string): void;
}

/**
 * The time of a run. Where a local activity has ended, the workflow's own clock shows another time on replay than it did
 * before, until the next workflow task: entries would change that readers have seen.
 */
export function createRunClock(): RunClock {
  let standing: { time: string; historyLength: number } | null = null;
  return {
    now() {
      if (standing?.historyLength === workflowInfo().historyLength) return standing.time;
      return new Date().toISOString();
    },
    standAt(time) {
      standing = { time, historyLength: workflowInfo().historyLength };
    },
  };
}
