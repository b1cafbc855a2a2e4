import { workflowInfo } from '@temporalio/workflow';
import type { RunPlan } from '../activities/types.ts';

/** This workflow run is to end soon, ahead of Temporal's limits: the run continues as new where it can. */
export function historyIsFull({ maxHistoryEvents }: RunPlan): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > maxHistoryEvents;
}
