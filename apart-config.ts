import { ConfigError, loadConfig, type Config } from './config.ts';

/** The configuration of a process that shares its work with others. */
export type ApartConfig = Config & { databaseUrl: string };

/**
 * Reads the configuration of a process that is API or worker only. `findProblems` tells what else is wrong with it. Throws
 * `ConfigError`.
 */
export function loadApartConfig(
  env: NodeJS.ProcessEnv,
  findProblems = (_config: Config): string[] => [],
): ApartConfig {
  const config = loadConfig(env);
  const problems = [...problemsApart(config), ...findProblems(config)];
  if (problems.length > 0) throw new ConfigError(problems);
  return config as ApartConfig;
}

function problemsApart({ databaseUrl, relayUrl }: Config): string[] {
  const problems: string[] = [];
  if (databaseUrl === undefined)
    problems.push('DATABASE_URL is missing: API and worker share a database');
  if (relayUrl === 'in-process')
    problems.push('RELAY_URL=in-process reaches no other process: leave it out, or name a relay');
  return problems;
}
