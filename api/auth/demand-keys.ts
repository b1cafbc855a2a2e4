import { isLoopbackHost } from '../guard.ts';
import type { Keyring } from './keyring.ts';

/** Without keys the service would be everybody's who can reach it. */
export class KeysMissing extends Error {
  override name = 'KeysMissing';
}

/** Throws `KeysMissing` where there is no key, and who listens there could be reached from another machine. */
export function demandKeys(keyring: Keyring, host: string): void {
  if (!keyring.seemsKeyless() || isLoopbackHost(host)) return;
  throw new KeysMissing(
    `HOST is ${host}, but there are no API keys, and without keys only this machine is served. Make one first ` +
      '(npm run keys -- create --owner NAME), or leave HOST out.',
  );
}
