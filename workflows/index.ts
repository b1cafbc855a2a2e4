export { agentRun } from './agent-run.ts';
export { reconcile } from './reconcile.ts';
