export { agentRun } from './agent-run.ts';
// The same frame around another work: a name of its own tells operators which it is.
export { agentRun as toolRun } from './agent-run.ts';
export { reconcile } from './reconcile.ts';
