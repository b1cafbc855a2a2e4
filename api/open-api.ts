import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { guardLoopback } from './guard.ts';
import { openApp, type OpenAppOptions } from './open-app.ts';

export interface OpenApiOptions extends Omit<OpenAppOptions, 'guard'> {
  settings: OpenAppOptions['settings'] & {
    host: string;
    /** 0: any free port. */
    port: number;
  };
}

export interface RunningApi extends AsyncDisposable {
  /** Where it answers, without a slash at its end. */
  url: string;
}

/** Requests that are still open at shutdown get this long, in milliseconds. */
const DRAIN_MS = 5_000;

/** The API, listening. Disposing it ends every stream between two frames, lets requests end, and stops to listen. */
export async function openApi(options: OpenApiOptions): Promise<RunningApi> {
  const { settings } = options;
  const { app, drain } = openApp({ ...options, guard: guardLoopback(settings.corsOrigins) });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await drain();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(force);
    },
  };
}
