import { startProductionTemporal } from '../cluster/production-temporal.ts';
import { startModel } from './model/start-model.ts';
import type { Environment } from './system.ts';

export interface OpenEnvironment extends AsyncDisposable {
  readonly environment: Omit<Environment, 'scratchDir'>;
}

export interface EnvironmentOptions {
  postgresUrl: string;
  redisUrl: string;
  /** `host:port` of a server that runs already. Left out: the production server is started. */
  temporalAddress: string | undefined;
  profileDir: string | undefined;
}

/** Starts what all systems are measured on: the model and, unless one is given, Temporal. */
export async function openEnvironment(options: EnvironmentOptions): Promise<OpenEnvironment> {
  await using resources = new AsyncDisposableStack();
  const { postgresUrl, redisUrl, profileDir } = options;
  const model = resources.use(await startModel());
  const temporalAddress =
    options.temporalAddress ??
    resources.use(await startProductionTemporal({ postgresUrl })).address;
  const opened = resources.move();
  return {
    environment: { modelUrl: model.url, postgresUrl, redisUrl, temporalAddress, profileDir },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
