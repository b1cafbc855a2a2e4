import { OpenAPIHono } from '@hono/zod-openapi';
import type { Store } from '../store/store.ts';
import { addMiddleware, answerErrors } from './app.ts';
import { demandKeys } from './auth/demand-keys.ts';
import { openKeyring } from './auth/keyring.ts';
import type { ApiEnv, App, AppDependencies } from './dependencies.ts';
import { guardLoopback } from './guard.ts';
import { openHttpServer } from './http-server.ts';
import { addMetricsRoute } from './routes/metrics.ts';

export interface MetricsServerOptions extends Pick<AppDependencies, 'metrics' | 'log'> {
  store: Store;
  /** While there are no keys, a loopback address. */
  host: string;
  /** 0: any free port. */
  port: number;
}

export interface MetricsServer extends AsyncDisposable {
  /** Where it answers, without a slash at its end. */
  url: string;
}

/**
 * `GET /metrics` and nothing else, for a process that has no API. Whoever asks is judged as there. Throws `KeysMissing` where there
 * is no key and the address is not of this machine alone.
 */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { store, log, host, port } = options;
  const keyring = await openKeyring(store);
  demandKeys(keyring, host);
  const app: App = new OpenAPIHono<ApiEnv>();
  addMiddleware(app, { config: { corsOrigins: [] }, guard: guardLoopback([]), keyring, store });
  addMetricsRoute(app, options);
  answerErrors(app, log);
  const server = await openHttpServer({ fetch: app.fetch, host, port });
  return { url: server.url, [Symbol.asyncDispose]: () => server.close() };
}
