import { loadApartConfig, type ApartConfig } from './apart-config.ts';

/** Temporal must know the version of a worker that it invokes, and there is no time to build anything. */
const OF_THE_WORKER = {
  buildId: 'HOLDFAST_BUILD_ID',
  workflowBundle: 'HOLDFAST_WORKFLOW_BUNDLE',
} as const;
type Needed = keyof typeof OF_THE_WORKER;

/** Reads the configuration of the worker's function. Throws `ConfigError`. */
export function loadLambdaWorkerConfig(
  env: NodeJS.ProcessEnv,
): ApartConfig & Record<Needed, string> {
  const config = loadApartConfig(env, (found) =>
    (Object.entries(OF_THE_WORKER) as [Needed, string][])
      .filter(([field]) => found[field] === undefined)
      .map(([, variable]) => `${variable} is missing: a worker that is a function needs it`),
  );
  return config as ApartConfig & Record<Needed, string>;
}
