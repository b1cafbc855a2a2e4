import { setTimeout as sleep } from 'node:timers/promises';
import { guardLoopback } from './guard.ts';
import { openHttpServer } from './http-server.ts';
import { openApp, type OpenAppOptions } from './open-app.ts';

export interface OpenApiOptions extends Omit<OpenAppOptions, 'guard'> {
  settings: OpenAppOptions['settings'] & {
    host: string;
    /** 0: any free port. */
    port: number;
    /** How long it still serves once it is no longer ready: a load balancer needs that time to notice. */
    drainDelayMs: number;
  };
}

export interface RunningApi extends AsyncDisposable {
  /** Where it answers, without a slash at its end. */
  url: string;
}

/**
 * The API, listening. Disposing it drains it: it is no longer ready, serves on for `drainDelayMs`, then stops to listen, ends
 * every stream between two frames and lets requests end.
 */
export async function openApi(options: OpenApiOptions): Promise<RunningApi> {
  const { host, port, corsOrigins, drainDelayMs } = options.settings;
  const { app, leave, drain } = openApp({ ...options, guard: guardLoopback(corsOrigins) });
  const server = await openHttpServer({ fetch: app.fetch, host, port });
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      leave();
      server.sendAway();
      await sleep(drainDelayMs);
      await Promise.all([server.close(), drain()]);
    },
  };
}
