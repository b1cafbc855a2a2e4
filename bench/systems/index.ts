import type { System } from '../system.ts';
import { createHoldfast } from './holdfast.ts';
import type { HoldfastShape } from './holdfast-processes.ts';

const ONE: HoldfastShape = { processes: 'one', store: 'postgres', relay: 'in-process' };
const MANY: HoldfastShape = {
  processes: { apis: 2, workers: 2 },
  store: 'postgres',
  relay: 'postgres',
};

/**
 * Every system that the scenarios can be run against. A peer is imported, and its packages are installed, only where it is asked
 * for.
 */
const SYSTEMS = {
  /** A reader straight at the model: what the measuring itself costs. */
  direct: async () => (await import('./direct.ts')).direct,
  holdfast: async () => createHoldfast('holdfast', ONE),
  'holdfast-embedded': async () =>
    createHoldfast('holdfast-embedded', { ...ONE, store: 'embedded' }),
  'holdfast-cluster': async () => createHoldfast('holdfast-cluster', MANY),
  'holdfast-cluster-redis': async () =>
    createHoldfast('holdfast-cluster-redis', { ...MANY, relay: 'redis' }),
  'holdfast-cluster-silent': async () =>
    createHoldfast('holdfast-cluster-silent', { ...MANY, relay: 'silent' }),
  langgraph: async () => (await import('./langgraph.ts')).langgraph,
  'ai-sdk': async () => (await import('./ai-sdk.ts')).aiSdk,
  dbos: async () => (await import('./dbos.ts')).createDbos('dbos', { coalesceMs: null }),
  'dbos-1ms': async () => (await import('./dbos.ts')).createDbos('dbos-1ms', { coalesceMs: 1 }),
  restate: async () =>
    (await import('./restate.ts')).createRestate('restate', { pullIntervalMs: null }),
  'restate-10ms': async () =>
    (await import('./restate.ts')).createRestate('restate-10ms', { pullIntervalMs: 10 }),
  'workflow-streams': async () =>
    (await import('./workflow-streams.ts')).createWorkflowStreams('workflow-streams', {
      // As https://docs.temporal.io/develop/typescript/workflows/workflow-streams has it for the output of a model.
      batchIntervalMs: 200,
    }),
  'workflow-streams-2s': async () =>
    (await import('./workflow-streams.ts')).createWorkflowStreams('workflow-streams-2s', {
      batchIntervalMs: null,
    }),
} satisfies Record<string, () => Promise<System>>;

export type SystemName = keyof typeof SYSTEMS;

export const SYSTEM_NAMES = Object.keys(SYSTEMS) as SystemName[];

export function isSystemName(name: string): name is SystemName {
  return name in SYSTEMS;
}

export function loadSystem(name: SystemName): Promise<System> {
  return SYSTEMS[name]();
}
