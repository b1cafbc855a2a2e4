import { ConfigError, loadConfig, type Config } from './config.ts';

/** A function keeps nothing on its disk. */
const OF_EVERY_FUNCTION = { databaseUrl: 'DATABASE_URL' } as const;
/** Temporal must know the version of a worker that it invokes, and there is no time to build anything. */
const OF_THE_WORKER = {
  ...OF_EVERY_FUNCTION,
  buildId: 'HOLDFAST_BUILD_ID',
  workflowBundle: 'HOLDFAST_WORKFLOW_BUNDLE',
} as const;

/** Reads the configuration of the API's function. Throws `ConfigError`. */
export function loadLambdaConfig(env: NodeJS.ProcessEnv) {
  return demand(loadConfig(env), OF_EVERY_FUNCTION);
}

/** Reads the configuration of the worker's function. Throws `ConfigError`. */
export function loadLambdaWorkerConfig(env: NodeJS.ProcessEnv) {
  return demand(loadConfig(env), OF_THE_WORKER);
}

function demand<Field extends keyof Config>(config: Config, needed: Record<Field, string>) {
  const missing = (Object.entries(needed) as [Field, string][])
    .filter(([field]) => config[field] === undefined)
    .map(([, variable]) => `${variable} is missing: a function needs it`);
  if (missing.length > 0) throw new ConfigError(missing);
  return config as Config & { [Name in Field]: NonNullable<Config[Name]> };
}
