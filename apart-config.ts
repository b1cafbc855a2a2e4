import { ConfigError, loadConfig, type Config } from './config.ts';

/** The configuration of a process that shares its work with others. */
export type ApartConfig = Config & { databaseUrl: string };

/** Reads the configuration of a process that is API or worker only. Throws `ConfigError`. */
export function loadApartConfig(env: NodeJS.ProcessEnv): ApartConfig {
  const config = loadConfig(env);
  const { databaseUrl, relayUrl } = config;
  const problems: string[] = [];
  if (relayUrl === 'in-process')
    problems.push('RELAY_URL=in-process reaches no other process: leave it out, or name a relay');
  if (databaseUrl !== undefined && problems.length === 0) return { ...config, databaseUrl };
  if (databaseUrl === undefined)
    problems.push('DATABASE_URL is missing: API and worker share a database');
  throw new ConfigError(problems);
}
