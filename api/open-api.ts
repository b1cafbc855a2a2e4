import { setTimeout as sleep } from 'node:timers/promises';
import { openKeyring } from './auth/keyring.ts';
import { demandKeys } from './auth/demand-keys.ts';
import { guardLoopback } from './guard.ts';
import { openHttpServer } from './http-server.ts';
import { openApp, type OpenAppOptions } from './open-app.ts';

export interface OpenApiOptions extends Omit<OpenAppOptions, 'guard' | 'keyring'> {
  settings: OpenAppOptions['settings'] & {
    /** While there are no keys, a loopback address. */
    host: string;
    /** 0: any free port. */
    port: number;
    /** How long it still serves once it is no longer ready: a load balancer needs that time to notice. */
    drainDelayMs: number;
    /** How long a key is believed in that was looked up, in milliseconds. Default: 10 s. */
    keyTrustMs?: number | undefined;
  };
}

export interface RunningApi extends AsyncDisposable {
  /** Where it answers, without a slash at its end. */
  url: string;
  /** There were no keys at its start: everybody on this machine is `local`. */
  keyless: boolean;
}

/**
 * The API, listening. Disposing it drains it: it is no longer ready, serves on for `drainDelayMs`, then stops to listen, ends
 * every stream between two frames and lets requests end. Throws `KeysMissing` where there is no key and the address is not of this
 * machine alone.
 */
export async function openApi(options: OpenApiOptions): Promise<RunningApi> {
  const { host, port, corsOrigins, drainDelayMs, keyTrustMs } = options.settings;
  const keyring = await openKeyring(options.store, { trustMs: keyTrustMs });
  const keyless = keyring.seemsKeyless();
  demandKeys(keyring, host);
  const guard = guardLoopback(corsOrigins);
  const { app, leave, drain } = openApp({ ...options, keyring, guard });
  const server = await openHttpServer({ fetch: app.fetch, host, port });
  return {
    url: server.url,
    keyless,
    async [Symbol.asyncDispose]() {
      leave();
      server.sendAway();
      await sleep(drainDelayMs);
      await Promise.all([server.close(), drain()]);
    },
  };
}
