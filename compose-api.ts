import { Client, type Connection } from '@temporalio/client';
import { agents } from './agents/index.ts';
import { openApi, type OpenApiOptions, type RunningApi } from './api/open-api.ts';
import { openTemporalConnection, probeTemporal } from './api/temporal-connection.ts';
import type { Shared } from './compose.ts';
import type { Config } from './config.ts';

/**
 * The API. Temporal need not be up: what is accepted meanwhile is started when it is. `eagerStarter`: of a worker in this
 * process, which then takes on at once what is started here.
 */
export async function startApi(
  config: Config,
  shared: Shared,
  eagerStarter?: Client,
): Promise<RunningApi> {
  const { namespace: _, ...connectionOptions } = config.temporal;
  const connection = openTemporalConnection(connectionOptions);
  void probeTemporal(connectionOptions).catch((err: unknown) =>
    shared.log.warn({ err }, `Temporal at ${connectionOptions.address} cannot be used yet`),
  );
  const api = await openApi({ ...apiOptions(config, shared, connection), eagerStarter });
  return {
    url: api.url,
    keyless: api.keyless,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

/** What the API is opened with, however it is reached. */
export function apiOptions(
  config: Config,
  { store, relay, metrics, log }: Shared,
  connection: Connection,
): OpenApiOptions {
  const { namespace } = config.temporal;
  return {
    store,
    relay,
    metrics,
    agents,
    log,
    client: new Client({ connection, namespace }),
    settings: {
      ...config,
      namespace,
      defaultAgent: agents[0]?.name ?? 'default',
      defaultModel: config.model,
    },
  };
}
